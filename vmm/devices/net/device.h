#pragma once

#include <memory>
#include <optional>
#include <vector>

#include "vmm/base/log.h"
#include "vmm/devices/net/mac_address.h"
#include "vmm/devices/net/pair.h"
#include "vmm/devices/virtio/device.h"
#include "vmm/devices/virtio/queue_server.h"

namespace nacre::net {

/// The network device (Virtio 1.2, 5.1) in front of a tap interface. Knows what is offered and in use; the
/// frames are moved by its pairs.
class Device final : public virtio::Device {
  public:
    struct Options {
        MacAddress mac{};       // of the guest's interface
        std::uint32_t mtu = 0;  // 68 to 65535; 0: the driver is told nothing
    };

    static constexpr std::size_t max_pairs = 8;
    static constexpr std::uint16_t queue_size = 256;

    /// The taps of `pairs` are queues of one interface, attached. `log` outlives the device.
    static Result<std::unique_ptr<Device>> create(std::vector<std::unique_ptr<Pair>> pairs,
                                                  const Options& options, Log& log);

    std::uint32_t type() const override;
    std::uint64_t features() const override;
    std::vector<std::uint16_t> queue_sizes() const override;
    void read_config(std::uint64_t offset, std::span<std::byte> data) const override;
    Result<void> activate(virtio::Activation activation) override;
    void deactivate() override;

  private:
    Device(std::vector<std::unique_ptr<Pair>> pairs, const Options& options)
        : mac_(options.mac), mtu_(options.mtu), pairs_(std::move(pairs)) {}
    bool has_many_pairs() const { return pairs_.size() > 1; }
    Result<void> start_pair(std::size_t index, virtio::Activation& activation);
    bool use_pairs(std::size_t count);
    void take_out_of_use(std::size_t first);

    const MacAddress mac_;
    const std::uint32_t mtu_;
    const std::vector<std::unique_ptr<Pair>> pairs_;
    std::optional<virtio::QueueServer> control_;  // on the first pair's loop
    std::size_t pairs_in_use_ = 1;                // changed there, while control_ runs
};

}  // namespace nacre::net
