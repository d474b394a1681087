#pragma once

#include <cstdint>

#include "vmm/devices/mem/device.h"
#include "vmm/kvm/vm.h"
#include "vmm/memory/guest_memory.h"

namespace nacre::machine {

/// RAM that the guest gets and gives back while it runs, beside `fixed_bytes` of its start: sizes in all, as
/// the runtime counts. On the main thread.
class LaterMemory {
  public:
    /// `device` is null for a VM whose RAM is fixed, and outlives the object.
    LaterMemory(std::uint64_t fixed_bytes, mem::Device* device)
        : fixed_bytes_(fixed_bytes), device_(device) {}

    /// Asks the guest to have `bytes` of RAM, rounded up to whole blocks, within what this VM can have.
    Result<void> resize(std::uint64_t bytes) const;

    /// What the guest has, and what it was asked to have.
    std::uint64_t bytes() const;
    std::uint64_t requested_bytes() const;

  private:
    std::uint64_t fixed_bytes_;
    mem::Device* device_;
};

/// Makes a growing region RAM: for KVM, in memory slots from `first_slot` up, and for devices. All but the
/// slot's number outlive the object.
class MemorySlots {
  public:
    MemorySlots(const kvm::Vm& vm, GuestMemory& memory, std::uint32_t first_slot)
        : vm_(vm), memory_(memory), next_slot_(first_slot) {}

    /// The first `bytes` of the region; more than before.
    Result<void> cover(std::uint64_t bytes);

  private:
    const kvm::Vm& vm_;
    GuestMemory& memory_;
    std::uint32_t next_slot_;
    std::uint64_t covered_ = 0;
};

}  // namespace nacre::machine
