#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <mutex>
#include <span>
#include <vector>

#include "vmm/base/log.h"
#include "vmm/bus/bus.h"
#include "vmm/devices/virtio/device.h"
#include "vmm/devices/virtio/mmio_interrupt.h"

namespace nacre::virtio {

/// What the driver has written into one register block; plain data.
struct MmioState {
    struct QueueState {
        QueueLayout layout;
        bool ready = false;
    };
    std::uint32_t status = 0;  // without DEVICE_NEEDS_RESET, which is the device's
    std::uint32_t device_features_select = 0;
    std::uint32_t driver_features_select = 0;
    std::uint64_t driver_features = 0;
    std::uint32_t queue_select = 0;
    std::uint32_t shared_memory_select = 0;
    std::vector<QueueState> queues;
};

/// The register block of a virtio-mmio device, version 2 (Virtio 1.2, 4.2.2), in front of any Device. Knows
/// no KVM: whoever builds the machine binds the eventfds.
///
/// Threads: read() and write() come from vCPU threads, several at once. One mutex guards the registers and is
/// held while the device is called, activate() and deactivate() included; these may wait for the device's own
/// thread, so that thread must never come back here. It reaches the driver through MmioInterrupt, which is
/// lock-free. The eventfds are made at construction and never change.
///
/// What the driver does against the rules is ignored, as seen by reading back: registers other than 32 bits
/// wide, unknown ones, features that were not offered, queue registers at the wrong time, a status bit that
/// lacks its predecessor. Only what the device cannot go on from becomes DEVICE_NEEDS_RESET.
class MmioTransport final : public BusHandler {
  public:
    /// Bytes of guest-physical address space that the block takes: registers, then configuration space.
    static constexpr std::uint64_t block_size = 0x1000;

    /// What stands in the registers MagicValue ("virt") and Version.
    static constexpr std::uint32_t magic = 0x74726976;
    static constexpr std::uint32_t version = 2;

    /// All three must outlive the transport. Fails when the device's queue sizes make no sense or eventfds
    /// cannot be had.
    static Result<std::unique_ptr<MmioTransport>> create(const GuestMemory& memory, Device& device, Log& log);

    /// Deactivates the device if it is active. No vCPU may run any more.
    ~MmioTransport() override;
    MmioTransport(const MmioTransport&) = delete;
    MmioTransport& operator=(const MmioTransport&) = delete;

    void read(std::uint64_t offset, std::span<std::byte> data) override;
    void write(std::uint64_t offset, std::span<const std::byte> data) override;

    std::size_t queue_count() const { return kicks_.size(); }

    /// Fires when the driver kicks queue `index` < queue_count(). To be bound (KVM_IOEVENTFD) to 32-bit
    /// writes of the value `index` at `queue_notify_offset`; where it is not, a write that arrives here does
    /// the same.
    const EventFd& kick(std::size_t index) const { return kicks_[index]; }
    static constexpr std::uint64_t queue_notify_offset = 0x50;

    /// Fires for an interrupt; to be bound to an edge-triggered line (KVM_IRQFD).
    const EventFd& interrupt_line() const { return interrupt_.line(); }

  private:
    MmioTransport(const GuestMemory& memory, Device& device, Log& log, std::vector<std::uint16_t> queue_sizes,
                  std::vector<EventFd> kicks, EventFd line);

    std::uint32_t read_register(std::uint64_t offset) const;
    std::uint32_t read_locked(std::uint64_t offset) const;
    std::uint32_t device_features() const;
    std::uint32_t status() const;
    std::uint32_t largest_size_of_selected_queue() const;
    std::uint32_t selected_queue_ready() const;
    std::uint32_t shared_memory_register(std::uint64_t offset) const;

    void write_register(std::uint64_t offset, std::uint32_t value);
    void write_locked(std::uint64_t offset, std::uint32_t value);
    void write_driver_features(std::uint32_t value);
    void write_queue_register(std::uint64_t offset, std::uint32_t value);
    void write_queue_ready(std::size_t index, std::uint32_t value);
    void write_status(std::uint32_t value);

    bool features_acceptable() const;
    bool has_status(std::uint32_t bits) const { return (state_.status & bits) == bits; }
    Result<Queue> make_queue(std::size_t index) const;
    Result<void> start_device();
    void activate();
    void reset();

    const GuestMemory& memory_;
    Device& device_;
    Log& log_;
    const std::vector<std::uint16_t> queue_sizes_;
    const std::uint64_t offered_features_;
    const std::vector<SharedMemoryRegion> shared_memory_;
    const std::vector<EventFd> kicks_;
    MmioInterrupt interrupt_;

    mutable std::mutex mutex_;  // guards what follows, and every call of device_
    MmioState state_;
    bool active_ = false;
};

}  // namespace nacre::virtio
