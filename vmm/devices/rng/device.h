#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "vmm/devices/virtio/queue_server.h"

namespace nacre::rng {

/// The virtio entropy device (Virtio 1.2, 5.4): fills the driver's buffers from the host's getrandom(2).
///
/// A request gets at most `max_bytes_per_request`, which the specification allows, so that no request holds
/// up the loop. A chain without a writable part is given back empty.
class Device final : public virtio::Device {
  public:
    static constexpr std::uint32_t max_bytes_per_request = 4096;

    /// Both outlive the device. Its work is done on the loop's thread.
    Device(EventLoop& loop, Log& log);

    std::uint32_t type() const override;
    std::uint64_t features() const override { return 0; }
    std::vector<std::uint16_t> queue_sizes() const override { return {16}; }
    void read_config(std::uint64_t, std::span<std::byte>) const override {}
    Result<void> activate(virtio::Activation activation) override;
    void deactivate() override { requests_.stop(); }

  private:
    virtio::QueueServer requests_;
};

}  // namespace nacre::rng
