#include "vmm/devices/net/transmitter.h"

#include <doctest/doctest.h>

#include "tests/vmm/devices/net/frames.h"
#include "tests/vmm/devices/net/socket_tap.h"
#include "tests/vmm/devices/virtio/fake_driver.h"

using namespace nacre;
using namespace nacre::net;
using namespace nacre::net::fake;
using virtio::fake::FakeGuest;
using virtio::fake::FakeRing;
using Outcome = Transmitter::Outcome;

namespace {

constexpr std::uint16_t ring_size = 256;

struct Fixture {
    FakeGuest guest;
    FakeRing ring{guest, ring_size};
    Wire wire;

    Transmitter transmitter{
        virtio::Queue::create(guest.memory(), ring.layout(), ring_size, true, true).value(),
        feature(VIRTIO_NET_F_CSUM) | feature(VIRTIO_NET_F_HOST_TSO4)};

    /// Sends what is in the ring, and expects all of it to be given back and nothing on the wire.
    void expect_dropped() {
        CHECK(transmitter.transmit(wire.tap()).value() == Outcome::empty);
        CHECK(ring.collect_used().size() == 1);
        CHECK_FALSE(wire.receive());
    }
};

}  // namespace

TEST_CASE_FIXTURE(Fixture, "a chain too short for the header is an error") {
    ring.chain().readable(plain().substr(1)).publish();
    CHECK_FALSE(transmitter.transmit(wire.tap()));
    CHECK_FALSE(wire.receive());
}

TEST_CASE_FIXTURE(Fixture, "a chain with something to write is an error") {
    ring.chain().readable(plain() + frame(60)).writable(1).publish();
    CHECK_FALSE(transmitter.transmit(wire.tap()));
    CHECK_FALSE(wire.receive());
}

TEST_CASE_FIXTURE(Fixture, "a chain to write into alone is an error") {
    ring.chain().writable(1514).publish();
    CHECK_FALSE(transmitter.transmit(wire.tap()));
}

TEST_CASE_FIXTURE(Fixture, "a header without a frame, or with less than an Ethernet header, is lost") {
    ring.chain().readable(plain()).publish();
    expect_dropped();
    ring.chain().readable(plain() + frame(13)).publish();
    expect_dropped();
}

TEST_CASE_FIXTURE(Fixture, "a frame larger than any is lost") {
    ring.chain().readable(plain()).readable(frame(max_frame_bytes + 1)).publish();
    expect_dropped();
    ring.chain().readable(plain()).raw(FakeGuest::high_start, 1 << 20).raw(0, FakeGuest::low_end).publish();
    expect_dropped();
}

TEST_CASE_FIXTURE(Fixture, "a frame with a header that lies is lost") {
    FrameHeader header{};
    header.flags = VIRTIO_NET_HDR_F_NEEDS_CSUM;
    header.csum_start = 60;
    ring.chain().readable(bytes_of(header)).readable(frame(60)).publish();
    expect_dropped();
    header = {};
    header.gso_type = VIRTIO_NET_HDR_GSO_TCPV6;
    ring.chain().readable(bytes_of(header)).readable(frame(60)).publish();
    expect_dropped();
}

TEST_CASE_FIXTURE(Fixture, "a malformed chain is an error, and so is every attempt after it") {
    ring.chain().readable(plain()).raw(FakeGuest::in_hole, 64).publish();
    CHECK_FALSE(transmitter.transmit(wire.tap()));
    ring.chain().readable(plain() + frame(60)).publish();
    CHECK_FALSE(transmitter.transmit(wire.tap()));
}

TEST_CASE_FIXTURE(Fixture, "a frame goes out with its header, in whichever pieces it comes") {
    ring.chain().readable(plain() + frame(60)).publish();
    const auto whole = plain() + frame(1514);
    auto pieces = ring.chain();
    for (std::size_t offset = 0; offset < whole.size(); offset += 7)
        pieces.readable(whole.substr(offset, 7));
    pieces.publish();
    CHECK(transmitter.transmit(wire.tap()).value() == Outcome::empty);
    CHECK(wire.receive() == plain() + frame(60));
    CHECK(wire.receive() == whole);
    const auto used = ring.collect_used();
    REQUIRE(used.size() == 2);
    CHECK(used[0].written == 0);
}

TEST_CASE_FIXTURE(Fixture, "a frame to be cut by the host goes out as one") {
    FrameHeader header{};
    header.flags = VIRTIO_NET_HDR_F_NEEDS_CSUM;
    header.csum_start = 34;
    header.csum_offset = 16;
    header.gso_type = VIRTIO_NET_HDR_GSO_TCPV4;
    header.gso_size = 1448;
    header.hdr_len = 66;
    ring.chain().readable(bytes_of(header)).readable(frame(65000)).publish();
    CHECK(transmitter.transmit(wire.tap()).value() == Outcome::empty);
    CHECK(wire.receive() == bytes_of(header) + frame(65000));
}

TEST_CASE_FIXTURE(Fixture,
                  "a tap that is full keeps frames in the queue, and none is lost or changes its place") {
    const auto frame_number = [](unsigned number) { return plain() + frame(14 + number % 1000); };
    unsigned published = 0;
    Outcome outcome{};
    do {
        REQUIRE(published < 100'000);
        ring.chain().readable(frame_number(published++)).publish();
        outcome = transmitter.transmit(wire.tap()).value();
        ring.collect_used();
    } while (outcome != Outcome::tap_full);
    CHECK(ring.in_flight() == 1);
    CHECK(transmitter.transmit(wire.tap()).value() == Outcome::tap_full);
    for (unsigned number = 0; number < published; ++number) {
        CHECK(wire.receive() == frame_number(number));
        REQUIRE(transmitter.transmit(wire.tap()));
    }
    CHECK(ring.collect_used().size() == 1);
    CHECK_FALSE(wire.receive());
}

TEST_CASE_FIXTURE(Fixture, "a turn sends so many frames and no more") {
    for (unsigned i = 0; i < Transmitter::max_frames_a_turn + 1; ++i)
        ring.chain().readable(plain() + frame(60)).publish();
    CHECK(transmitter.transmit(wire.tap()).value() == Outcome::more);
    CHECK(ring.collect_used().size() == Transmitter::max_frames_a_turn);
    CHECK(transmitter.transmit(wire.tap()).value() == Outcome::empty);
    CHECK(ring.collect_used().size() == 1);
}

TEST_CASE_FIXTURE(Fixture, "what the tap refuses is lost") {
    ring.chain().readable(plain() + frame(60)).publish();
    CHECK(transmitter.transmit(-1).value() == Outcome::empty);
    CHECK(ring.collect_used().size() == 1);
}
