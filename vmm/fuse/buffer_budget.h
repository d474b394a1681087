#pragma once

#include <atomic>
#include <cstddef>

namespace nacre::fuse {

/// How many of the directories that a guest has open may keep a buffer between two requests: it may have any
/// number of them half read. Safe from any thread.
class BufferBudget {
  public:
    explicit BufferBudget(std::ptrdiff_t buffers) : left_(buffers) {}

    /// Whether there was one left, which is then the caller's until give_back().
    bool take() {
        if (left_.fetch_sub(1, std::memory_order_relaxed) > 0)
            return true;
        give_back();
        return false;
    }
    void give_back() { left_.fetch_add(1, std::memory_order_relaxed); }

    std::ptrdiff_t left() const { return left_.load(std::memory_order_relaxed); }

  private:
    std::atomic<std::ptrdiff_t> left_;
};

}  // namespace nacre::fuse
