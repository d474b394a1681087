#include "vmm/devices/net/receiver.h"

#include <doctest/doctest.h>

#include "tests/vmm/devices/net/frames.h"
#include "tests/vmm/devices/net/socket_tap.h"
#include "tests/vmm/devices/virtio/fake_driver.h"

using namespace nacre;
using namespace nacre::net;
using namespace nacre::net::fake;
using virtio::fake::FakeGuest;
using virtio::fake::FakeRing;
using Outcome = Receiver::Outcome;

namespace {

constexpr std::uint64_t mergeable = feature(VIRTIO_NET_F_MRG_RXBUF);
constexpr std::uint64_t cut_by_guest = mergeable | feature(VIRTIO_NET_F_GUEST_TSO4);

struct Fixture {
    FakeGuest guest;
    FakeRing ring{guest, 64};
    Wire wire;

    Receiver receiver(std::uint64_t features = mergeable) {
        return {virtio::Queue::create(guest.memory(), ring.layout(), 64, false, true).value(), features,
                1500};
    }

    void give(std::uint32_t bytes, unsigned count = 1) {
        for (; count > 0; --count)
            ring.chain().writable(bytes).publish();
    }

    /// What the buffers that came back hold together.
    std::string collect() {
        std::string all;
        for (const auto& buffer : ring.collect_used())
            all += buffer.bytes;
        return all;
    }
};

}  // namespace

TEST_CASE_FIXTURE(Fixture, "a buffer too short for the header is an error") {
    auto receives = receiver();
    give(11);
    wire.send(plain() + frame(60));
    CHECK_FALSE(receives.receive(wire.tap()));
    CHECK(ring.used_index() == 0);
}

TEST_CASE_FIXTURE(Fixture, "a buffer with something to read is an error") {
    auto receives = receiver();
    ring.chain().readable("?").writable(1526).publish();
    wire.send(plain() + frame(60));
    CHECK_FALSE(receives.receive(wire.tap()));
}

TEST_CASE_FIXTURE(Fixture, "a chain to read alone is an error") {
    auto receives = receiver();
    ring.chain().readable(frame(1526)).publish();
    CHECK_FALSE(receives.receive(wire.tap()));
}

TEST_CASE_FIXTURE(Fixture, "a malformed chain is an error") {
    auto receives = receiver();
    ring.chain().raw(FakeGuest::in_hole, 1526, virtio::fake::flag_write).publish();
    CHECK_FALSE(receives.receive(wire.tap()));
}

TEST_CASE_FIXTURE(Fixture, "without buffers frames stay in the tap, and the driver is asked to kick") {
    auto receives = receiver();
    wire.send(plain() + frame(60));
    CHECK(receives.receive(wire.tap()).value() == Outcome::no_buffers);
    CHECK_FALSE(receives.needs_interrupt());
    give(1526);
    CHECK(ring.wants_kick(false));
    CHECK(receives.receive(wire.tap()).value() == Outcome::no_buffers);
    CHECK(collect() == received(1) + frame(60));
    CHECK(receives.needs_interrupt());
}

TEST_CASE_FIXTURE(Fixture, "with buffers the driver is not asked to kick") {
    auto receives = receiver();
    give(1526);
    CHECK(receives.receive(wire.tap()).value() == Outcome::empty);
    give(1526);
    CHECK_FALSE(ring.wants_kick(false));
}

TEST_CASE_FIXTURE(Fixture, "what is no frame is skipped") {
    auto receives = receiver();
    give(1526);
    wire.send(plain().substr(1));
    wire.send(plain() + frame(60));
    CHECK(receives.receive(wire.tap()).value() == Outcome::no_buffers);
    CHECK(collect() == received(1) + frame(60));
}

TEST_CASE_FIXTURE(Fixture,
                  "a frame uses as many buffers as it needs, all at once, and the first says how many") {
    for (const auto features : {mergeable, cut_by_guest}) {
        ring.clear();
        auto receives = receiver(features);
        give(100, 20);
        wire.send(plain() + frame(500));
        CHECK(receives.receive(wire.tap()).value() == Outcome::empty);
        const auto used = ring.collect_used();
        REQUIRE(used.size() == 6);
        CHECK(used[0].written == 100);
        CHECK(used[5].written == 12);
        CHECK(used[0].bytes.substr(0, 12) == received(6));
        CHECK(used[5].bytes == frame(500).substr(488));
    }
}

TEST_CASE_FIXTURE(Fixture, "a header in pieces is as good") {
    auto receives = receiver();
    ring.chain().writable(3).writable(8).writable(1).writable(1514).publish();
    wire.send(plain() + frame(60));
    CHECK(receives.receive(wire.tap()).value() == Outcome::no_buffers);
    CHECK(collect() == received(1) + frame(60));
}

TEST_CASE_FIXTURE(Fixture, "a whole queue of crumbs, which the kernel would take no frame into, is an error") {
    auto receives = receiver();
    for (int chain = 0; chain < 64; ++chain) {
        auto crumbs = ring.chain();
        for (int crumb = 0; crumb < 20; ++crumb)
            crumbs.writable(1);
        crumbs.indirect().publish();
    }
    wire.send(plain() + frame(1500));
    wire.send(plain() + frame(60));
    CHECK_FALSE(receives.receive(wire.tap()));
}

TEST_CASE_FIXTURE(Fixture, "a frame of 64 KiB goes into buffers of any size") {
    auto receives = receiver(cut_by_guest);
    give(1526, 64);
    wire.send(plain() + frame(65536));
    CHECK(receives.receive(wire.tap()).value() == Outcome::empty);
    CHECK(collect() == received(43) + frame(65536));
}

TEST_CASE_FIXTURE(Fixture, "a frame larger than the buffers at hand waits for more, whole") {
    auto receives = receiver(cut_by_guest);
    give(1526, 2);
    wire.send(plain() + frame(9000));
    wire.send(plain() + frame(60));
    CHECK(receives.receive(wire.tap()).value() == Outcome::no_buffers);
    CHECK(ring.used_index() == 0);
    give(1526, 3);
    CHECK(receives.receive(wire.tap()).value() == Outcome::no_buffers);
    CHECK(ring.used_index() == 0);
    give(1526, 2);
    CHECK(receives.receive(wire.tap()).value() == Outcome::no_buffers);
    CHECK(collect() == received(6) + frame(9000) + received(1) + frame(60));
}

TEST_CASE_FIXTURE(Fixture, "a frame larger than usual is received whole, too") {
    auto receives = receiver();
    give(1526, 10);
    wire.send(plain() + frame(9000));
    CHECK(receives.receive(wire.tap()).value() == Outcome::empty);
    CHECK(collect() == received(6) + frame(9000));
}

TEST_CASE_FIXTURE(Fixture, "a frame that a whole queue cannot hold is lost, and the next one comes") {
    auto receives = receiver();
    give(12, 64);
    wire.send(plain() + frame(1500));
    wire.send(plain() + frame(60));
    CHECK(receives.receive(wire.tap()).value() == Outcome::empty);
    CHECK(collect() == received(6) + frame(60));
}

TEST_CASE_FIXTURE(Fixture, "without mergeable buffers a frame that its buffer cannot hold is lost") {
    auto receives = receiver(0);
    give(112, 3);
    wire.send(plain() + frame(101));
    wire.send(plain() + frame(100));
    CHECK(receives.receive(wire.tap()).value() == Outcome::empty);
    const auto used = ring.collect_used();
    REQUIRE(used.size() == 1);
    CHECK(used[0].bytes == received(1) + frame(100));
}

TEST_CASE_FIXTURE(Fixture,
                  "buffers of many pieces, all of which one read cannot take, are used all the same") {
    auto receives = receiver(cut_by_guest);
    const auto table = guest.allocate(64 * 64 * sizeof(virtio::fake::Descriptor));
    const auto bytes = guest.allocate(64 * 64 * 12);
    for (unsigned chain = 0; chain < 64; ++chain) {
        const auto at = table + chain * 64 * sizeof(virtio::fake::Descriptor);
        for (unsigned i = 0; i < 64; ++i) {
            const auto last = i == 63;
            const virtio::fake::Descriptor piece{
                bytes + (chain * 64 + i) * 12, 12,
                static_cast<std::uint16_t>(virtio::fake::flag_write | (last ? 0 : virtio::fake::flag_next)),
                static_cast<std::uint16_t>(i + 1)};
            REQUIRE(guest.memory().write_object(at + i * sizeof piece, piece));
        }
        ring.chain().raw(at, 64 * sizeof(virtio::fake::Descriptor), virtio::fake::flag_indirect).publish();
    }
    wire.send(plain() + frame(40'000));
    CHECK(receives.receive(wire.tap()).value() == Outcome::empty);
    const auto used = ring.collect_used();
    CHECK(used.size() == 53);  // of 768 bytes
    CHECK(guest.read(bytes, 12 + 40'000) == received(53) + frame(40'000));
}

TEST_CASE_FIXTURE(Fixture, "a turn receives so many frames and no more") {
    auto receives = receiver();
    give(1526, 64);
    unsigned sent = 0;
    while (sent < Receiver::max_frames_a_turn && wire.send(plain() + frame(60)))
        ++sent;
    REQUIRE(sent == Receiver::max_frames_a_turn);
    CHECK(receives.receive(wire.tap()).value() == Outcome::more);
}

TEST_CASE_FIXTURE(Fixture, "an interface that is gone is told of") {
    auto receives = receiver();
    give(1526);
    wire.cut();
    CHECK(receives.receive(wire.tap()).value() == Outcome::tap_lost);
}
