#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "vmm/devices/virtio/queue_server.h"

namespace nacre::balloon {

/// The traditional memory balloon (Virtio 1.2, 5.5) with free page reporting (5.5.6.7): gives the host's
/// pages behind what the guest reports as free back to the host. The balloon itself stays empty.
class Device final : public virtio::Device {
  public:
    /// More of a report is left as it is, so that no report holds up the loop. Linux reports 128 MiB at once.
    static constexpr std::uint64_t max_bytes_per_report = std::uint64_t{256} << 20;

    /// Both outlive the device. Its work is done on the loop's thread.
    Device(EventLoop& loop, Log& log);

    /// Leaves this part of guest memory alone from now on: its pages are a file's. Before activate().
    void keep(std::span<const std::byte> memory) { kept_.push_back(memory); }

    std::uint32_t type() const override;
    std::uint64_t features() const override;
    std::vector<std::uint16_t> queue_sizes() const override;
    /// num_pages and actual: 0.
    void read_config(std::uint64_t, std::span<std::byte>) const override {}
    Result<void> activate(virtio::Activation activation) override;
    void deactivate() override;

  private:
    std::uint32_t give_back(const virtio::DescriptorChain& report) const;
    bool is_kept(std::span<const std::byte> memory) const;

    Log& log_;
    std::vector<std::span<const std::byte>> kept_;
    virtio::QueueServer inflate_;
    virtio::QueueServer deflate_;
    virtio::QueueServer reports_;
};

}  // namespace nacre::balloon
