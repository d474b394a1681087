#include "vmm/devices/net/control_command.h"

#include "vmm/devices/net/protocol.h"

namespace nacre::net {

namespace {

/// virtio_net_ctrl_hdr and virtio_net_ctrl_mq.
struct PairsCommand {
    std::uint8_t command_class;
    std::uint8_t command;
    std::uint16_t pairs;
};
static_assert(sizeof(PairsCommand) == sizeof(virtio_net_ctrl_hdr) + sizeof(virtio_net_ctrl_mq));

}  // namespace

std::uint32_t answer_command(const virtio::DescriptorChain& chain, std::uint16_t max_pairs,
                             const std::function<bool(std::uint16_t pairs)>& set_pairs) {
    if (chain.writable_bytes == 0)
        return 0;
    PairsCommand asked{};
    virtio::copy_from_iovecs(chain.readable, 0, std::as_writable_bytes(std::span(&asked, 1)));
    const bool known = chain.readable_bytes == sizeof asked && asked.command_class == VIRTIO_NET_CTRL_MQ &&
                       asked.command == VIRTIO_NET_CTRL_MQ_VQ_PAIRS_SET;
    const bool done = known && asked.pairs >= VIRTIO_NET_CTRL_MQ_VQ_PAIRS_MIN && asked.pairs <= max_pairs &&
                      set_pairs(asked.pairs);
    const virtio_net_ctrl_ack answer = done ? VIRTIO_NET_OK : VIRTIO_NET_ERR;
    virtio::copy_to_iovecs(chain.writable, 0, std::as_bytes(std::span(&answer, 1)));
    return sizeof answer;
}

}  // namespace nacre::net
