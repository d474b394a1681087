#pragma once

#include <cstdint>
#include <memory>
#include <shared_mutex>
#include <span>

#include "vmm/bus/bus.h"
#include "vmm/devices/virtio/device.h"
#include "vmm/devices/virtio/mmio_transport.h"

namespace nacre::virtio {

/// A register block that has a device in it or not. Empty, it is the placeholder of Virtio 1.2, 4.2.2: magic
/// and version with device ID 0, which a driver leaves alone until it is told to look again.
///
/// Threads: read() and write() on vCPU threads; the others on the thread that owns the slot.
class HotplugSlot final : public BusHandler {
  public:
    void read(std::uint64_t offset, std::span<std::byte> data) override;
    void write(std::uint64_t offset, std::span<const std::byte> data) override;

    /// Puts `device` with its registers into the slot, which must be empty. Waits at most for a vCPU that
    /// reads a register of the empty slot.
    void attach(std::unique_ptr<Device> device, std::unique_ptr<MmioTransport> transport);

    /// Takes the device out and destroys it, which deactivates it if the driver has not. EBUSY while a vCPU
    /// is inside its registers. Never waits: that vCPU may wait for the caller's own event loop.
    Result<void> detach();

    /// What is in the slot; null when empty.
    const MmioTransport* transport() const { return transport_.get(); }
    Device* device() const { return device_.get(); }

  private:
    std::shared_mutex mutex_;  // held shared by accesses, exclusively while the device is put in or taken out
    std::unique_ptr<Device> device_;
    std::unique_ptr<MmioTransport> transport_;
};

}  // namespace nacre::virtio
