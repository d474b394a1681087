#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <vector>

#include "vmm/base/log.h"
#include "vmm/devices/net/mac_address.h"
#include "vmm/devices/net/pair_worker.h"
#include "vmm/devices/net/tap.h"
#include "vmm/devices/virtio/device.h"
#include "vmm/devices/virtio/queue_server.h"

namespace nacre::net {

/// The network device (Virtio 1.2, 5.1) in front of a tap interface, with a thread a queue pair. The threads
/// start with the device and end with it.
class Device final : public virtio::Device {
  public:
    struct Options {
        MacAddress mac{};       // of the guest's interface
        std::uint32_t mtu = 0;  // 68 to 65535; 0: the driver is told nothing
        /// Runs first on each thread: what the jail does to it. May be empty.
        std::function<Result<void>()> on_thread_start;
    };

    static constexpr std::size_t max_pairs = 8;
    static constexpr std::uint16_t queue_size = 256;

    /// One queue pair for each of `taps`, all queues of one interface, attached. `log` outlives the device.
    static Result<std::unique_ptr<Device>> create(std::vector<std::unique_ptr<Tap>> taps,
                                                  const Options& options, Log& log);

    std::uint32_t type() const override;
    std::uint64_t features() const override;
    std::vector<std::uint16_t> queue_sizes() const override;
    void read_config(std::uint64_t offset, std::span<std::byte> data) const override;
    Result<void> activate(virtio::Activation activation) override;
    void deactivate() override;

  private:
    explicit Device(const Options& options) : mac_(options.mac), mtu_(options.mtu) {}
    bool has_many_pairs() const { return pairs_.size() > 1; }
    Result<void> start_pair(std::size_t index, virtio::Activation& activation);
    bool use_pairs(std::size_t count);

    const MacAddress mac_;
    const std::uint32_t mtu_;
    std::vector<std::unique_ptr<PairWorker>> pairs_;
    std::optional<virtio::QueueServer> control_;  // on the first pair's thread
};

}  // namespace nacre::net
