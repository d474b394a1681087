#include "vmm/bus/bus.h"

#include <algorithm>
#include <limits>

namespace nacre {

Result<void> Bus::add(std::uint64_t base, std::uint64_t size, BusHandler& handler) {
    if (size == 0 || size - 1 > std::numeric_limits<std::uint64_t>::max() - base)
        return fail("bus range at {:#x}, {:#x} bytes: empty or beyond the address space", base, size);
    const auto next =
        std::upper_bound(ranges_.begin(), ranges_.end(), base,
                         [](std::uint64_t value, const Range& range) { return value < range.base; });
    const bool hits_next = next != ranges_.end() && next->base - base < size;
    const bool hits_previous =
        next != ranges_.begin() && base - std::prev(next)->base < std::prev(next)->size;
    if (hits_next || hits_previous)
        return fail("bus range at {:#x}, {:#x} bytes: overlaps another", base, size);
    ranges_.insert(next, Range{base, size, &handler});
    return {};
}

bool Bus::read(std::uint64_t address, std::span<std::byte> data) const {
    const auto* range = find(address, data.size());
    if (range == nullptr) {
        std::ranges::fill(data, std::byte{0xff});
        return false;
    }
    range->handler->read(address - range->base, data);
    return true;
}

bool Bus::write(std::uint64_t address, std::span<const std::byte> data) const {
    const auto* range = find(address, data.size());
    if (range == nullptr)
        return false;
    range->handler->write(address - range->base, data);
    return true;
}

const Bus::Range* Bus::find(std::uint64_t address, std::size_t length) const {
    const auto next =
        std::upper_bound(ranges_.begin(), ranges_.end(), address,
                         [](std::uint64_t value, const Range& range) { return value < range.base; });
    if (next == ranges_.begin())
        return nullptr;
    const auto& range = *std::prev(next);
    const std::uint64_t offset = address - range.base;
    if (offset >= range.size || length > range.size - offset)
        return nullptr;
    return &range;
}

}  // namespace nacre
