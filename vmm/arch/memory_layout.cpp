#include "vmm/arch/memory_layout.h"

#include <algorithm>

namespace nacre::arch {

std::vector<MemoryRange> ram_ranges(std::uint64_t memory_bytes) {
    const std::uint64_t low = std::min(memory_bytes, kMmioHoleStart);
    if (low == memory_bytes)
        return {{0, low}};
    return {{0, low}, {kMmioHoleEnd, memory_bytes - low}};
}

GuestAddress later_memory_start(std::uint64_t memory_bytes) {
    const auto end = std::max(ram_ranges(memory_bytes).back().end(), kMmioHoleEnd);
    return (end + kGibibyte - 1) / kGibibyte * kGibibyte;
}

}  // namespace nacre::arch
