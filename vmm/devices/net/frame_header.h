#pragma once

#include <optional>

#include "vmm/devices/net/protocol.h"

namespace nacre::net {

/// What the host's kernel is told about a frame of `frame_bytes` (without the header) that the guest sends
/// with `header`, already copied out of the guest: the fields that count, and nothing else. Nothing when the
/// frame must be dropped: an unknown kind, one that was not accepted (`features`, VIRTIO_NET_F_*), a checksum
/// or headers outside the frame (Virtio 1.2, 5.1.6.2).
std::optional<FrameHeader> checked_header(const FrameHeader& header, std::size_t frame_bytes,
                                          std::uint64_t features);

}  // namespace nacre::net
