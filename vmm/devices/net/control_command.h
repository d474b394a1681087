#pragma once

#include <cstdint>
#include <functional>

#include "vmm/devices/virtio/queue.h"

namespace nacre::net {

/// Carries out a command of the control queue (Virtio 1.2, 5.1.6.5) and answers it in the chain. The only one
/// there is sets the number of queue pairs in use (5.1.6.5.5), 1 to `max_pairs`: by `set_pairs`, which says
/// whether it could. All others, also malformed ones, are answered with VIRTIO_NET_ERR. Returns the bytes
/// written: 1, or 0 where there is no room for the answer; nothing is done then.
std::uint32_t answer_command(const virtio::DescriptorChain& chain, std::uint16_t max_pairs,
                             const std::function<bool(std::uint16_t pairs)>& set_pairs);

}  // namespace nacre::net
