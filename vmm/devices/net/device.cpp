#include "vmm/devices/net/device.h"

#include <linux/if_tun.h>
#include <linux/virtio_ids.h>

#include <algorithm>

#include "vmm/devices/net/control_command.h"
#include "vmm/devices/net/protocol.h"

namespace nacre::net {

namespace {

constexpr std::uint32_t smallest_mtu = 68;  // Virtio 1.2, 5.1.4.1
constexpr std::uint32_t largest_mtu = 65535;
constexpr std::uint32_t usual_mtu = 1500;

/// What the kernel behind the tap can do is what the driver may ask for, and the other way round.
constexpr std::uint64_t always_offered =
    feature(VIRTIO_NET_F_MAC) | feature(VIRTIO_NET_F_STATUS) | feature(VIRTIO_NET_F_MRG_RXBUF) |
    feature(VIRTIO_NET_F_CSUM) | feature(VIRTIO_NET_F_HOST_TSO4) | feature(VIRTIO_NET_F_HOST_TSO6) |
    feature(VIRTIO_NET_F_HOST_ECN) | feature(VIRTIO_NET_F_GUEST_CSUM) | feature(VIRTIO_NET_F_GUEST_TSO4) |
    feature(VIRTIO_NET_F_GUEST_TSO6) | feature(VIRTIO_NET_F_GUEST_ECN);

constexpr std::uint64_t many_pairs = feature(VIRTIO_NET_F_CTRL_VQ) | feature(VIRTIO_NET_F_MQ);

/// TUN_F_* for what the driver takes. Without checksums there is nothing else (5.1.3.1), and a driver that
/// claims otherwise gets finished frames.
unsigned offloads(std::uint64_t features) {
    const auto flag = [&](unsigned number, unsigned tun) {
        return (features & feature(number)) != 0 ? tun : 0U;
    };
    if ((features & feature(VIRTIO_NET_F_GUEST_CSUM)) == 0)
        return 0;
    const unsigned cut =
        flag(VIRTIO_NET_F_GUEST_TSO4, TUN_F_TSO4) | flag(VIRTIO_NET_F_GUEST_TSO6, TUN_F_TSO6);
    return TUN_F_CSUM | cut | (cut != 0 ? flag(VIRTIO_NET_F_GUEST_ECN, TUN_F_TSO_ECN) : 0U);
}

}  // namespace

Result<std::unique_ptr<Device>> Device::create(std::vector<std::unique_ptr<Pair>> pairs,
                                               const Options& options, Log& log) {
    if (pairs.empty() || pairs.size() > max_pairs)
        return fail_with(EINVAL, "virtio-net: {} queue pairs instead of 1 to {}", pairs.size(), max_pairs);
    if (options.mtu != 0 && (options.mtu < smallest_mtu || options.mtu > largest_mtu))
        return fail_with(EINVAL, "virtio-net: MTU {} instead of {} to {}", options.mtu, smallest_mtu,
                         largest_mtu);
    std::unique_ptr<Device> device(new Device(std::move(pairs), options));
    auto* const self = device.get();
    if (self->has_many_pairs())
        self->control_.emplace(
            self->pairs_.front()->loop(), log, "virtio-net", [self](const virtio::DescriptorChain& chain) {
                return answer_command(chain, static_cast<std::uint16_t>(self->pairs_.size()),
                                      [self](std::uint16_t count) { return self->use_pairs(count); });
            });
    return device;
}

std::uint32_t Device::type() const {
    return VIRTIO_ID_NET;
}

std::uint64_t Device::features() const {
    return always_offered | (mtu_ != 0 ? feature(VIRTIO_NET_F_MTU) : 0) | (has_many_pairs() ? many_pairs : 0);
}

std::vector<std::uint16_t> Device::queue_sizes() const {
    return std::vector<std::uint16_t>(2 * pairs_.size() + (has_many_pairs() ? 1 : 0), queue_size);
}

void Device::read_config(std::uint64_t offset, std::span<std::byte> data) const {
    virtio_net_config config{};
    std::ranges::copy(mac_, config.mac);
    config.status = VIRTIO_NET_S_LINK_UP;
    config.max_virtqueue_pairs = static_cast<std::uint16_t>(pairs_.size());
    config.mtu = static_cast<std::uint16_t>(mtu_);
    const auto bytes = std::as_bytes(std::span(&config, 1));
    std::ranges::fill(data, std::byte{0});
    if (offset < bytes.size())
        std::ranges::copy(bytes.subspan(offset, std::min(data.size(), bytes.size() - offset)), data.begin());
}

Result<void> Device::activate(virtio::Activation activation) {
    if (!activation.queues[0] || !activation.queues[1])
        return fail("virtio-net: the driver has not enabled the first queue pair");
    // Offloads belong to the interface, and are set through a queue that is attached.
    NACRE_TRY(pairs_.front()->set_in_use(true));
    NACRE_TRY(pairs_.front()->set_offloads(offloads(activation.features)));
    // Without both, the driver has no more than one pair, and the control queue no use (5.1.5, 5.1.6.5.5).
    const bool many = has_many_pairs() && (activation.features & many_pairs) == many_pairs;
    for (std::size_t index = 0; index < (many ? pairs_.size() : 1); ++index)
        NACRE_TRY(start_pair(index, activation));
    if (!use_pairs(1))
        return fail("virtio-net: cannot set up the queues of the tap interface");
    if (auto& queue = activation.queues.back(); many && queue)
        NACRE_TRY(control_->start(std::move(*queue), *activation.interrupt));
    return {};
}

Result<void> Device::start_pair(std::size_t index, virtio::Activation& activation) {
    auto& receive = activation.queues[2 * index];
    auto& transmit = activation.queues[2 * index + 1];
    if (!receive || !transmit)
        return {};
    return pairs_[index]->start({std::move(*receive), std::move(*transmit)}, activation,
                                mtu_ != 0 ? mtu_ : usual_mtu);
}

bool Device::use_pairs(std::size_t count) {
    for (std::size_t index = 0; index < count; ++index) {
        if (!pairs_[index]->started())
            return false;
    }
    for (std::size_t index = 0; index < pairs_.size(); ++index) {
        if (!pairs_[index]->set_in_use(index < count)) {
            take_out_of_use(pairs_in_use_);
            return false;
        }
    }
    pairs_in_use_ = count;
    return true;
}

/// The host would send frames to pairs that the driver was refused, and does not look at.
void Device::take_out_of_use(std::size_t first) {
    for (std::size_t index = first; index < pairs_.size(); ++index)
        static_cast<void>(pairs_[index]->set_in_use(false));
}

void Device::deactivate() {
    if (control_)
        control_->stop();
    for (const auto& pair : pairs_)
        pair->stop();
}

}  // namespace nacre::net
