#pragma once

#include <atomic>
#include <cstdint>

#include "vmm/base/event_fd.h"
#include "vmm/devices/virtio/device.h"

namespace nacre::virtio {

/// InterruptStatus, ConfigGeneration and DEVICE_NEEDS_RESET of one virtio-mmio device, and the line that goes
/// with them (Virtio 1.2, 4.2.2): an eventfd, to be bound to an edge-triggered interrupt.
///
/// Takes no lock, so that a device may signal from its own thread while the transport, under its lock, waits
/// for that thread.
class MmioInterrupt final : public Interrupt {
  public:
    explicit MmioInterrupt(EventFd line) : line_(std::move(line)) {}

    void signal_used_buffer() override;
    void begin_config_change() override;
    const EventFd& used_buffer_line() override;
    void signal_config_change() override;
    void signal_needs_reset() override;

    /// VIRTIO_MMIO_INT_* bits that the driver has not acknowledged yet.
    std::uint32_t status() const { return status_ | always_; }
    void acknowledge(std::uint32_t bits) { status_ &= ~bits; }

    bool needs_reset() const { return needs_reset_; }
    std::uint32_t config_generation() const { return config_generation_; }

    /// As after a device reset; the configuration's generation goes on.
    void reset();

    const EventFd& line() const { return line_; }

  private:
    void raise(std::uint32_t bit);

    EventFd line_;
    std::atomic<std::uint32_t> status_{0};
    std::atomic<std::uint32_t> always_{0};  // bits that acknowledge() does not clear
    std::atomic<std::uint32_t> config_generation_{0};
    std::atomic<bool> needs_reset_{false};
};

}  // namespace nacre::virtio
