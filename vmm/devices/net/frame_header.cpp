#include "vmm/devices/net/frame_header.h"

namespace nacre::net {

namespace {

/// The feature that a driver must have accepted for frames of `gso_type`; 0 for an unknown type.
std::uint64_t feature_of(unsigned gso_type) {
    switch (gso_type) {
        case VIRTIO_NET_HDR_GSO_TCPV4:
            return feature(VIRTIO_NET_F_HOST_TSO4);
        case VIRTIO_NET_HDR_GSO_TCPV6:
            return feature(VIRTIO_NET_F_HOST_TSO6);
        default:
            return 0;
    }
}

bool copy_checksum(const FrameHeader& from, std::size_t frame_bytes, std::uint64_t features,
                   FrameHeader& to) {
    if ((from.flags & VIRTIO_NET_HDR_F_NEEDS_CSUM) == 0)
        return true;
    // Two bytes at csum_start + csum_offset; the sum of two 16-bit numbers does not overflow.
    const std::size_t end = std::size_t{from.csum_start} + from.csum_offset + 2;
    if ((features & feature(VIRTIO_NET_F_CSUM)) == 0 || end > frame_bytes)
        return false;
    to.flags = VIRTIO_NET_HDR_F_NEEDS_CSUM;
    to.csum_start = from.csum_start;
    to.csum_offset = from.csum_offset;
    return true;
}

bool copy_segmentation(const FrameHeader& from, std::size_t frame_bytes, std::uint64_t features,
                       FrameHeader& to) {
    if (from.gso_type == VIRTIO_NET_HDR_GSO_NONE)
        return true;
    const auto needed = feature_of(from.gso_type & ~unsigned{VIRTIO_NET_HDR_GSO_ECN});
    const bool ecn = (from.gso_type & VIRTIO_NET_HDR_GSO_ECN) != 0;
    if ((features & needed) == 0 || (ecn && (features & feature(VIRTIO_NET_F_HOST_ECN)) == 0))
        return false;
    // Segments get their checksums from the one that was begun.
    if (to.flags == 0 || from.gso_size == 0 || from.hdr_len > frame_bytes)
        return false;
    to.gso_type = from.gso_type;
    to.gso_size = from.gso_size;
    to.hdr_len = from.hdr_len;
    return true;
}

}  // namespace

std::optional<FrameHeader> checked_header(const FrameHeader& header, std::size_t frame_bytes,
                                          std::uint64_t features) {
    FrameHeader checked{};
    if (!copy_checksum(header, frame_bytes, features, checked) ||
        !copy_segmentation(header, frame_bytes, features, checked))
        return std::nullopt;
    return checked;
}

}  // namespace nacre::net
