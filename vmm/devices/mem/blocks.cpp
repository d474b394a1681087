#include "vmm/devices/mem/blocks.h"

#include <algorithm>

namespace nacre::mem {

std::optional<Blocks::Range> Blocks::find(GuestAddress address, std::uint64_t count,
                                          std::uint64_t usable_bytes) const {
    const auto usable = std::min<std::uint64_t>(usable_bytes / size, plugged_.size());
    if (address < start_ || (address - start_) % size != 0 || count == 0)
        return std::nullopt;
    const auto first = (address - start_) / size;
    if (first >= usable || count > usable - first)
        return std::nullopt;
    return Range{first, count};
}

Blocks::State Blocks::state(const Range& range) const {
    const auto begin = plugged_.begin() + static_cast<std::ptrdiff_t>(range.first);
    const auto plugged = std::count(begin, begin + static_cast<std::ptrdiff_t>(range.count), true);
    if (plugged == 0)
        return State::unplugged;
    return static_cast<std::size_t>(plugged) == range.count ? State::plugged : State::mixed;
}

void Blocks::plug(const Range& range) {
    std::fill_n(plugged_.begin() + static_cast<std::ptrdiff_t>(range.first), range.count, true);
    plugged_count_ += range.count;
}

void Blocks::unplug(const Range& range) {
    std::fill_n(plugged_.begin() + static_cast<std::ptrdiff_t>(range.first), range.count, false);
    plugged_count_ -= range.count;
}

}  // namespace nacre::mem
