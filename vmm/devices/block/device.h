#pragma once

#include <memory>
#include <vector>

#include "vmm/base/log.h"
#include "vmm/devices/block/queue_worker.h"
#include "vmm/devices/virtio/device.h"

namespace nacre::block {

/// The block device (Virtio 1.2, 5.2) in front of a disk: read, write, flush, discard, write-zeroes and
/// get-id, with one thread a queue. The threads start with the device and end with it.
class Device final : public virtio::Device {
  public:
    struct Options {
        unsigned queues = 1;          // 1 to max_queues; the driver spreads its CPUs over them
        QueueWorker::Options worker;  // its limiter is the device's
        RateLimit limit;              // of all queues together; a reset does not renew it
    };

    static constexpr unsigned max_queues = 16;

    /// `log` outlives the device.
    static Result<std::unique_ptr<Device>> create(Disk disk, const Options& options, Log& log);

    std::uint32_t type() const override;
    std::uint64_t features() const override;
    std::vector<std::uint16_t> queue_sizes() const override;
    void read_config(std::uint64_t offset, std::span<std::byte> data) const override;
    Result<void> activate(virtio::Activation activation) override;
    /// Waits for the requests under way, as long as the host's storage takes for them.
    void deactivate() override;

  private:
    Device(Disk disk, const RateLimit& limit) : disk_(std::move(disk)), limiter_(limit) {}

    Disk disk_;
    RateLimiter limiter_;
    std::vector<std::unique_ptr<QueueWorker>> workers_;  // one a queue
};

}  // namespace nacre::block
