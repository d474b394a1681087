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

/// [address, address + length) if all of it lies in the first `ram` bytes of `region`.
std::optional<std::span<std::byte>> part_of(const GuestMemory::Region& region, std::uint64_t ram,
                                            GuestAddress address, std::uint64_t length) {
    if (address < region.start || address - region.start >= ram)
        return std::nullopt;
    // Differences only, never address + length: that sum may wrap.
    const std::uint64_t offset = address - region.start;
    if (length > ram - offset)
        return std::nullopt;
    return region.mapping.bytes().subspan(offset, length);
}

}  // namespace

Result<GuestMemory> GuestMemory::create(std::vector<Region> regions, std::optional<Region> growing) {
    if (regions.empty())
        return fail("guest memory without a region");
    GuestAddress lowest_start = 0;
    for (const auto& region : regions) {
        NACRE_TRY(check_region(region, lowest_start));
        lowest_start = region.start + region.mapping.size();
    }
    if (!growing)
        return GuestMemory(std::move(regions), nullptr);
    NACRE_TRY(check_region(*growing, lowest_start));
    return GuestMemory(std::move(regions), std::make_unique<Growing>(std::move(*growing)));
}

Result<void> GuestMemory::grow(std::uint64_t bytes) {
    if (!growing_ || bytes < growing_->bytes || bytes > growing_->region.mapping.size())
        return fail_with(EINVAL, "guest memory: grow by {:#x} bytes", bytes);
    NACRE_TRY(growing_->region.mapping.make_accessible(bytes));
    // Release: who finds the bytes in RAM finds them accessible.
    growing_->bytes.store(bytes, std::memory_order_release);
    return {};
}

std::uint64_t GuestMemory::size() const {
    std::uint64_t sum = 0;
    for (const auto& region : regions_)
        sum += region.mapping.size();
    if (growing_)
        sum += growing_->bytes.load(std::memory_order_relaxed);
    return sum;
}

Result<std::span<std::byte>> GuestMemory::slice(GuestAddress address, std::uint64_t length) const {
    for (const auto& region : regions_) {
        if (const auto found = part_of(region, region.mapping.size(), address, length))
            return *found;
    }
    if (growing_) {
        const auto ram = growing_->bytes.load(std::memory_order_acquire);
        if (const auto found = part_of(growing_->region, ram, address, length))
            return *found;
    }
    return fail("guest address {:#x}, {:#x} bytes: not in RAM", address, length);
}

}  // namespace nacre
