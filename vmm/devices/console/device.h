#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "vmm/devices/console/bounded_log.h"
#include "vmm/devices/virtio/queue_server.h"

namespace nacre::console {

/// The virtio console device (Virtio 1.2, 5.3) with one port: what the guest's kernel prints goes into a
/// bounded log. Nothing is ever typed: the receive queue is accepted and its buffers are kept unused.
class Device final : public virtio::Device {
  public:
    /// Of one chain no more than this is taken, so that none holds up the loop; the rest is dropped.
    static constexpr std::size_t max_bytes_per_chain = 64U << 10;

    /// `output` is a regular file open for writing (BoundedLog says what becomes of it); `loop` and `log`
    /// outlive the device. Its work is done on the loop's thread.
    static Result<std::unique_ptr<Device>> create(EventLoop& loop, Log& log, FileDescriptor output);

    std::uint32_t type() const override;
    std::uint64_t features() const override { return 0; }
    std::vector<std::uint16_t> queue_sizes() const override { return {16, 64}; }
    void read_config(std::uint64_t, std::span<std::byte>) const override {}
    Result<void> activate(virtio::Activation activation) override;
    void deactivate() override { transmit_.stop(); }

  private:
    Device(EventLoop& loop, Log& log, BoundedLog output);
    void print(const virtio::DescriptorChain& chain);

    Log& log_;
    BoundedLog output_;
    bool output_failed_ = false;
    virtio::QueueServer transmit_;
};

}  // namespace nacre::console
