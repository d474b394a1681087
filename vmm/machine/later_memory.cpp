#include "vmm/machine/later_memory.h"

#include <algorithm>

namespace nacre::machine {

Result<void> LaterMemory::resize(std::uint64_t bytes) const {
    if (device_ == nullptr)
        return {};
    const auto more = std::min(std::max(bytes, fixed_bytes_) - fixed_bytes_, device_->region_bytes());
    return device_->resize((more + mem::Blocks::size - 1) / mem::Blocks::size * mem::Blocks::size);
}

std::uint64_t LaterMemory::bytes() const {
    return fixed_bytes_ + (device_ == nullptr ? 0 : device_->plugged_bytes());
}

std::uint64_t LaterMemory::requested_bytes() const {
    return fixed_bytes_ + (device_ == nullptr ? 0 : device_->requested_bytes());
}

// A slot a step, as KVM keeps books for each page of a slot: only for what was once asked for.
Result<void> MemorySlots::cover(std::uint64_t bytes) {
    const auto& region = *memory_.growing_region();
    NACRE_TRY(memory_.grow(bytes));
    NACRE_TRY(vm_.set_memory_slot(next_slot_, region.start + covered_,
                                  region.mapping.bytes().subspan(covered_, bytes - covered_)));
    ++next_slot_;
    covered_ = bytes;
    return {};
}

}  // namespace nacre::machine
