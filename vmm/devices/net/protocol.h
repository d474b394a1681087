#pragma once

#include <cstddef>
#include <cstdint>

// A member of the header's is named like a keyword.
#ifdef __clang__
#pragma clang diagnostic push
#pragma clang diagnostic ignored "-Wkeyword-macro"
#endif
#define class class_
#include <linux/virtio_net.h>
#undef class
#ifdef __clang__
#pragma clang diagnostic pop
#endif

/// Virtio 1.2, 5.1, as <linux/virtio_net.h> has it, and sizes.
namespace nacre::net {

using FrameHeader = virtio_net_hdr_v1;  // in front of every frame, on the tap and in the guest's buffers
constexpr std::size_t header_bytes = sizeof(FrameHeader);
static_assert(header_bytes == 12);

/// An Ethernet header with a VLAN tag, and what is behind it: a frame as large as IP allows when the other
/// side cuts or puts it together (TSO).
constexpr std::size_t ethernet_header_bytes = 14;
constexpr std::size_t link_header_bytes = 18;
constexpr std::size_t max_frame_bytes = link_header_bytes + 65536;

constexpr std::uint64_t feature(unsigned number) {
    return std::uint64_t{1} << number;
}

}  // namespace nacre::net
