#include "vmm/devices/vsock/packet.h"

#include <doctest/doctest.h>

using namespace nacre::vsock;

namespace {

RawHeader counting_bytes() {
    RawHeader raw;
    for (std::size_t i = 0; i < raw.size(); ++i)
        raw[i] = static_cast<std::byte>(i);
    return raw;
}

}  // namespace

TEST_CASE("a header is little-endian, its fields in the order of Virtio 1.2, 5.10.6") {
    const auto header = decode(counting_bytes());
    CHECK(header.source_cid == 0x0706050403020100);
    CHECK(header.destination_cid == 0x0f0e0d0c0b0a0908);
    CHECK(header.source_port == 0x13121110);
    CHECK(header.destination_port == 0x17161514);
    CHECK(header.length == 0x1b1a1918);
    CHECK(header.type == 0x1d1c);
    CHECK(header.op == Op{0x1f1e});
    CHECK(header.flags == 0x23222120);
    CHECK(header.buffer_bytes == 0x27262524);
    CHECK(header.forwarded_bytes == 0x2b2a2928);
}

TEST_CASE("encoding is the inverse of decoding") {
    CHECK(encode(decode(counting_bytes())) == counting_bytes());
}

TEST_CASE("the answer to a packet without a connection goes back to where it came from") {
    PacketHeader packet;
    packet.source_cid = 3;
    packet.destination_cid = 2;
    packet.source_port = 100;
    packet.destination_port = 200;
    packet.type = 7;
    packet.length = 9;
    packet.op = Op::rw;

    const auto reply = reset_reply(packet);
    CHECK(reply.op == Op::rst);
    CHECK(reply.source_cid == 2);
    CHECK(reply.destination_cid == 3);
    CHECK(reply.source_port == 200);
    CHECK(reply.destination_port == 100);
    CHECK(reply.type == 7);
    CHECK(reply.length == 0);
}
