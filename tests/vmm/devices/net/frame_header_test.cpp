#include "vmm/devices/net/frame_header.h"

#include <doctest/doctest.h>

using namespace nacre::net;

namespace {

constexpr std::size_t frame_bytes = 1514;
constexpr std::uint64_t all = ~std::uint64_t{0};

FrameHeader checksum(std::uint16_t start, std::uint16_t offset) {
    FrameHeader header{};
    header.flags = VIRTIO_NET_HDR_F_NEEDS_CSUM;
    header.csum_start = start;
    header.csum_offset = offset;
    return header;
}

FrameHeader segmentation(std::uint8_t type) {
    auto header = checksum(34, 16);
    header.gso_type = type;
    header.gso_size = 1448;
    header.hdr_len = 66;
    return header;
}

}  // namespace

TEST_CASE("a checksum outside the frame is refused") {
    CHECK_FALSE(checked_header(checksum(1500, 13), frame_bytes, all));
    CHECK_FALSE(checked_header(checksum(0xffff, 0xffff), frame_bytes, all));
    CHECK_FALSE(checked_header(checksum(0, 0xffff), frame_bytes, all));
    CHECK_FALSE(checked_header(checksum(0, 0), 1, all));
    CHECK(checked_header(checksum(1500, 12), frame_bytes, all));
}

TEST_CASE("unknown kinds of frames to cut are refused") {
    for (const unsigned type : {2U, 3U, 5U, 6U, 0x7fU, 0x80U, 0x83U, 0xffU}) {
        CAPTURE(type);
        CHECK_FALSE(checked_header(segmentation(static_cast<std::uint8_t>(type)), frame_bytes, all));
    }
}

TEST_CASE("a frame to cut has a size to cut to, headers within it and a checksum") {
    auto header = segmentation(VIRTIO_NET_HDR_GSO_TCPV4);
    CHECK(checked_header(header, frame_bytes, all));
    header.gso_size = 0;
    CHECK_FALSE(checked_header(header, frame_bytes, all));
    header = segmentation(VIRTIO_NET_HDR_GSO_TCPV4);
    header.hdr_len = frame_bytes + 1;
    CHECK_FALSE(checked_header(header, frame_bytes, all));
    header = segmentation(VIRTIO_NET_HDR_GSO_TCPV4);
    header.flags = 0;
    CHECK_FALSE(checked_header(header, frame_bytes, all));
}

TEST_CASE("what the driver has not accepted is refused") {
    CHECK_FALSE(checked_header(checksum(34, 16), frame_bytes, all & ~feature(VIRTIO_NET_F_CSUM)));
    const auto cut = [](int type, std::uint64_t features) {
        return checked_header(segmentation(static_cast<std::uint8_t>(type)), frame_bytes, features)
            .has_value();
    };
    CHECK_FALSE(cut(VIRTIO_NET_HDR_GSO_TCPV4, all & ~feature(VIRTIO_NET_F_HOST_TSO4)));
    CHECK_FALSE(cut(VIRTIO_NET_HDR_GSO_TCPV6, all & ~feature(VIRTIO_NET_F_HOST_TSO6)));
    CHECK_FALSE(
        cut(VIRTIO_NET_HDR_GSO_TCPV4 | VIRTIO_NET_HDR_GSO_ECN, all & ~feature(VIRTIO_NET_F_HOST_ECN)));
    CHECK(cut(VIRTIO_NET_HDR_GSO_TCPV4 | VIRTIO_NET_HDR_GSO_ECN, all));
    CHECK(cut(VIRTIO_NET_HDR_GSO_TCPV6, all));
}

TEST_CASE("only what counts is passed on") {
    FrameHeader header{};
    header.flags = 0xff & ~VIRTIO_NET_HDR_F_NEEDS_CSUM;
    header.hdr_len = header.gso_size = header.csum_start = header.csum_offset = header.num_buffers = 0xffff;
    const auto plain = checked_header(header, frame_bytes, 0);
    REQUIRE(plain);
    CHECK(plain->flags == 0);
    CHECK(plain->hdr_len == 0);
    CHECK(plain->gso_size == 0);
    CHECK(plain->csum_start == 0);
    CHECK(plain->num_buffers == 0);
    const auto cut = checked_header(segmentation(VIRTIO_NET_HDR_GSO_TCPV6), frame_bytes, all);
    REQUIRE(cut);
    CHECK(cut->flags == VIRTIO_NET_HDR_F_NEEDS_CSUM);
    CHECK(cut->gso_type == VIRTIO_NET_HDR_GSO_TCPV6);
    CHECK(cut->gso_size == 1448);
    CHECK(cut->hdr_len == 66);
    CHECK(cut->csum_start == 34);
    CHECK(cut->csum_offset == 16);
}
