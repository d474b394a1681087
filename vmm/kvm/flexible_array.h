#pragma once

#include <cstddef>
#include <cstring>
#include <memory>
#include <span>
#include <type_traits>

namespace nacre::kvm {

/// Storage for the KVM structures that end in a flexible array: a `Header`, then `count` entries, all zeroed.
template <class Header, class Entry>
class FlexibleArray {
    static_assert(std::is_trivially_copyable_v<Header> && std::is_trivially_copyable_v<Entry>);
    static_assert(sizeof(Header) % alignof(Entry) == 0);

  public:
    explicit FlexibleArray(std::size_t count)
        : storage_(std::make_unique<std::max_align_t[]>(
              (sizeof(Header) + count * sizeof(Entry)) / sizeof(std::max_align_t) + 1)) {}

    explicit FlexibleArray(std::span<const Entry> entries) : FlexibleArray(entries.size()) {
        if (!entries.empty())
            std::memcpy(this->entries(), entries.data(), entries.size_bytes());
    }

    // The kernel's ABI is exactly this layout; the storage is aligned for any type.
    Header* header() { return reinterpret_cast<Header*>(storage_.get()); }
    Entry* entries() { return reinterpret_cast<Entry*>(header() + 1); }

  private:
    std::unique_ptr<std::max_align_t[]> storage_;
};

}  // namespace nacre::kvm
