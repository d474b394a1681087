#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <mutex>
#include <vector>

#include "vmm/fuse/outcome.h"

namespace nacre::fuse {

/// The open files (or directories) that the guest holds, each under a number that names a slot and how often
/// the slot has been used: a number that was released, or guessed, finds nothing. Safe from any thread.
template <class T>
class HandleTable {
  public:
    explicit HandleTable(std::size_t limit) : limit_(limit) {}

    /// A number for `object`, never 0; ENFILE when the guest holds `limit` of them.
    Outcome<std::uint64_t> insert(std::shared_ptr<T> object) {
        const std::lock_guard lock(mutex_);
        if (free_.empty() && slots_.size() >= limit_)
            return refuse(ENFILE);
        const std::uint32_t index = take_slot();
        slots_[index].object = std::move(object);
        return handle_of(index);
    }

    /// The object, which lives on while the caller uses it even if it is removed meanwhile; EBADF.
    Outcome<std::shared_ptr<T>> find(std::uint64_t handle) const {
        const std::lock_guard lock(mutex_);
        if (!valid(handle))
            return refuse(EBADF);
        return slots_[index_of(handle)].object;
    }

    /// Forgets the number; EBADF if there is none such.
    Outcome<> remove(std::uint64_t handle) {
        std::shared_ptr<T> removed;  // destroyed after the lock is gone: closing a file may take long
        const std::lock_guard lock(mutex_);
        if (!valid(handle))
            return refuse(EBADF);
        auto& slot = slots_[index_of(handle)];
        removed = std::move(slot.object);
        ++slot.generation;
        free_.push_back(index_of(handle));
        return {};
    }

    void clear() {
        const std::lock_guard lock(mutex_);
        for (std::uint32_t index = 0; index < slots_.size(); ++index) {
            if (slots_[index].object == nullptr)
                continue;
            slots_[index].object.reset();
            ++slots_[index].generation;
            free_.push_back(index);
        }
    }

    std::size_t size() const {
        const std::lock_guard lock(mutex_);
        return slots_.size() - free_.size();
    }

  private:
    struct Slot {
        std::uint32_t generation = 1;
        std::shared_ptr<T> object;
    };

    static std::uint32_t index_of(std::uint64_t handle) { return static_cast<std::uint32_t>(handle); }
    std::uint64_t handle_of(std::uint32_t index) const {
        return std::uint64_t{slots_[index].generation} << 32 | index;
    }
    bool valid(std::uint64_t handle) const {
        const auto index = index_of(handle);
        return index < slots_.size() && slots_[index].object != nullptr && handle_of(index) == handle;
    }
    std::uint32_t take_slot() {
        if (free_.empty()) {
            slots_.emplace_back();
            return static_cast<std::uint32_t>(slots_.size() - 1);
        }
        const std::uint32_t index = free_.back();
        free_.pop_back();
        return index;
    }

    mutable std::mutex mutex_;
    std::size_t limit_;
    std::vector<Slot> slots_;
    std::vector<std::uint32_t> free_;
};

}  // namespace nacre::fuse
