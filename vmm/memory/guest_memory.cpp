#include "vmm/memory/guest_memory.h"

#include <limits>

namespace nacre {

namespace {

constexpr std::uint64_t page_size = 4096;

Result<void> check_region(const GuestMemory::Region& region, GuestAddress lowest_start) {
    const std::uint64_t size = region.mapping.size();
    if (size == 0 || size % page_size != 0 || region.start % page_size != 0)
        return fail("guest memory region at {:#x}, {:#x} bytes: not whole pages", region.start, size);
    if (region.start > std::numeric_limits<GuestAddress>::max() - size)
        return fail("guest memory region at {:#x}, {:#x} bytes: beyond the address space", region.start,
                    size);
    if (region.start < lowest_start)
        return fail("guest memory region at {:#x}: overlaps the one before or is out of order", region.start);
    return {};
}

}  // namespace

Result<GuestMemory> GuestMemory::create(std::vector<Region> regions) {
    if (regions.empty())
        return fail("guest memory without a region");
    GuestAddress lowest_start = 0;
    for (const auto& region : regions) {
        NACRE_TRY(check_region(region, lowest_start));
        lowest_start = region.start + region.mapping.size();
    }
    return GuestMemory(std::move(regions));
}

std::uint64_t GuestMemory::size() const {
    std::uint64_t sum = 0;
    for (const auto& region : regions_)
        sum += region.mapping.size();
    return sum;
}

Result<std::span<std::byte>> GuestMemory::slice(GuestAddress address, std::uint64_t length) const {
    for (const auto& region : regions_) {
        if (address < region.start || address - region.start >= region.mapping.size())
            continue;
        // Differences only, never address + length: that sum may wrap.
        const std::uint64_t offset = address - region.start;
        if (length > region.mapping.size() - offset)
            break;
        return region.mapping.bytes().subspan(offset, length);
    }
    return fail("guest address {:#x}, {:#x} bytes: not in RAM", address, length);
}

}  // namespace nacre
