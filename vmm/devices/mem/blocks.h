#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "vmm/memory/guest_memory.h"

namespace nacre::mem {

/// Which blocks of the region are plugged, and the rules of Virtio 1.2, 5.15.6 for changing that. Belongs to
/// one thread.
class Blocks {
  public:
    static constexpr std::uint64_t size = std::uint64_t{2} << 20;

    /// Some blocks, one after another.
    struct Range {
        std::size_t first;
        std::size_t count;
    };

    enum class State { plugged, unplugged, mixed };

    /// For a region at `start` of `bytes`, both multiples of the block size.
    Blocks(GuestAddress start, std::uint64_t bytes) : start_(start), plugged_(bytes / size) {}

    /// The `count` blocks at `address`; nothing unless that is a block's address, there is one at least, and
    /// all lie in the first `usable_bytes` of the region. All arguments may be any number.
    std::optional<Range> find(GuestAddress address, std::uint64_t count, std::uint64_t usable_bytes) const;

    State state(const Range& range) const;

    /// Marks blocks that were all in the other state.
    void plug(const Range& range);
    void unplug(const Range& range);

    std::uint64_t plugged_bytes() const { return plugged_count_ * size; }

  private:
    GuestAddress start_;
    std::vector<bool> plugged_;
    std::uint64_t plugged_count_ = 0;
};

}  // namespace nacre::mem
