#pragma once

#include <cstdint>
#include <memory>
#include <vector>

#include "vmm/bus/bus.h"
#include "vmm/devices/virtio/hotplug_slot.h"
#include "vmm/kvm/vm.h"
#include "vmm/memory/guest_memory.h"

namespace nacre::machine {

/// The places on the MMIO bus where the guest finds its virtio devices: slot N has registers at
/// kVirtioMmioBase + N * kVirtioMmioSize and interrupt kVirtioFirstIrq + N, and is `virtio-mmio.N` in the
/// guest. Kicks and interrupts are eventfds, so that neither is an exit to user space.
///
/// All functions belong to the main thread; the vCPUs see the slots through the bus.
class DeviceSlots {
  public:
    /// All must outlive the object.
    DeviceSlots(Bus& mmio, const kvm::Vm& vm, const GuestMemory& memory, Log& log)
        : mmio_(mmio), vm_(vm), memory_(memory), log_(log) {}
    DeviceSlots(const DeviceSlots&) = delete;
    DeviceSlots& operator=(const DeviceSlots&) = delete;

    /// Adds a slot with `device` in it. Only before the vCPUs run.
    Result<void> add(std::unique_ptr<virtio::Device> device);

    /// Adds `count` empty slots; an error when there are more than kMaxVirtioDevices in all. Only before the
    /// vCPUs run.
    Result<void> add_empty(std::uint32_t count);

    /// Puts `device` into an empty slot and returns its number; the guest has to be told to look there.
    Result<std::uint32_t> attach(std::unique_ptr<virtio::Device> device);

    /// Takes out the device that attach() put into `slot`; an error for any other slot. The guest's driver
    /// should have let go of it: if it has not, the device is gone for it all the same.
    Result<void> detach(std::uint32_t slot);

    std::uint32_t count() const { return static_cast<std::uint32_t>(slots_.size()); }

  private:
    Result<void> put(std::uint32_t slot, std::unique_ptr<virtio::Device> device);
    Result<void> connect(std::uint32_t slot, const virtio::MmioTransport& transport) const;
    void disconnect(std::uint32_t slot, const virtio::MmioTransport& transport) const;

    Bus& mmio_;
    const kvm::Vm& vm_;
    const GuestMemory& memory_;
    Log& log_;
    std::vector<std::unique_ptr<virtio::HotplugSlot>> slots_;
    std::uint32_t fixed_ = 0;  // slots below this one have the devices of the start, for good
};

}  // namespace nacre::machine
