#include "vmm/devices/vsock/rx_buffers.h"

#include <doctest/doctest.h>
#include <sys/socket.h>

#include <cerrno>
#include <cstring>
#include <numeric>

#include "tests/vmm/devices/vsock/guest_side.h"

using namespace nacre::vsock;
using nacre::virtio::fake::FakeGuest;
using nacre::virtio::fake::FakeRing;

namespace {

constexpr std::uint16_t ring_size = 16;

struct RxFixture {
    FakeGuest guest;
    FakeRing ring{guest, ring_size};
    test::SocketPair sockets = test::socket_pair();

    RxBuffers buffers() const {
        return RxBuffers(
            *nacre::virtio::Queue::create(guest.memory(), ring.layout(), ring_size, false, true));
    }

    static PacketHeader header() {
        PacketHeader packet;
        packet.op = Op::rw;
        packet.source_port = 77;
        return packet;
    }
};

PacketHeader header_of(const std::string& bytes) {
    RawHeader raw;
    REQUIRE(bytes.size() >= raw.size());
    std::memcpy(raw.data(), bytes.data(), raw.size());
    return decode(raw);
}

std::string counting(std::size_t size) {
    std::string text(size, '\0');
    std::iota(text.begin(), text.end(), '\0');
    return text;
}

}  // namespace

TEST_CASE_FIXTURE(RxFixture, "a buffer without room for payload breaks the queue") {
    for (const std::uint32_t bytes : {1U, 43U, 44U}) {
        ring.clear();
        ring.chain().writable(bytes).publish();
        auto rx = buffers();
        CHECK_FALSE(rx.available());
    }
}

TEST_CASE_FIXTURE(RxFixture, "a buffer for reading is not room either") {
    ring.chain().readable(std::string(4096, 'x')).publish();
    auto rx = buffers();
    CHECK_FALSE(rx.available());
}

TEST_CASE_FIXTURE(RxFixture, "a buffer that reaches past RAM breaks the queue") {
    ring.chain().raw(FakeGuest::low_end - 100, 4096, nacre::virtio::fake::flag_write).publish();
    auto rx = buffers();
    CHECK_FALSE(rx.available());
}

TEST_CASE_FIXTURE(RxFixture, "without buffers the guest is asked to kick, with buffers it is not") {
    auto rx = buffers();
    CHECK_FALSE(*rx.available());
    ring.chain().writable(100).publish();
    CHECK(ring.wants_kick(false));
    CHECK(*rx.available());
    ring.chain().writable(100).publish();
    CHECK_FALSE(ring.wants_kick(false));
}

TEST_CASE_FIXTURE(RxFixture, "a header goes to the front, wherever the pieces are cut") {
    ring.chain().writable(10).writable(33).writable(2).publish();
    auto rx = buffers();
    REQUIRE(*rx.available());
    auto packet = header();
    packet.op = Op::rst;
    REQUIRE(rx.send(packet));
    const auto used = ring.collect_used();
    REQUIRE(used.size() == 1);
    CHECK(used[0].written == 44);
    CHECK(header_of(used[0].bytes) == packet);
}

TEST_CASE_FIXTURE(RxFixture, "one read fills several buffers") {
    ring.chain().writable(54).publish();
    ring.chain().writable(20).writable(44).publish();
    ring.chain().writable(4096).publish();
    auto rx = buffers();
    REQUIRE(*rx.available());
    const auto text = counting(100);
    test::write_text(sockets.host, text);

    const auto transfer = rx.send_from(sockets.device.get(), 1000, header());
    REQUIRE(transfer);
    CHECK(transfer->bytes == 100);
    const auto used = ring.collect_used();
    REQUIRE(used.size() == 3);
    std::string payload;
    for (const auto& buffer : used) {
        CHECK(header_of(buffer.bytes).source_port == 77);
        CHECK(header_of(buffer.bytes).length == buffer.written - 44);
        payload += buffer.bytes.substr(44);
    }
    CHECK(payload == text);
    CHECK(used[0].written == 54);
    CHECK(used[1].written == 64);
}

TEST_CASE_FIXTURE(RxFixture, "buffers that were not filled serve the next packets, in order") {
    for (int i = 0; i < 3; ++i)
        ring.chain().writable(54).publish();
    auto rx = buffers();
    REQUIRE(*rx.available());
    test::write_text(sockets.host, "12345");
    CHECK(rx.send_from(sockets.device.get(), 30, header())->bytes == 5);
    CHECK(rx.next_available() == 1);
    test::write_text(sockets.host, "abcdefghijklm");
    REQUIRE(*rx.available());
    CHECK(rx.send_from(sockets.device.get(), 30, header())->bytes == 13);
    const auto used = ring.collect_used();
    REQUIRE(used.size() == 3);
    CHECK(used[0].bytes.substr(44) == "12345");
    CHECK(used[1].bytes.substr(44) == "abcdefghij");
    CHECK(used[2].bytes.substr(44) == "klm");
    CHECK_FALSE(*rx.available());
}

TEST_CASE_FIXTURE(RxFixture, "no more is read than the limit") {
    ring.chain().writable(4096).publish();
    auto rx = buffers();
    REQUIRE(*rx.available());
    test::write_text(sockets.host, "1234567890");
    CHECK(rx.send_from(sockets.device.get(), 4, header())->bytes == 4);
    CHECK(test::read_text(sockets.device) == "567890");
}

TEST_CASE_FIXTURE(RxFixture, "nothing to read and end of file send nothing") {
    ring.chain().writable(4096).publish();
    auto rx = buffers();
    REQUIRE(*rx.available());
    CHECK(rx.send_from(sockets.device.get(), 100, header())->error == EAGAIN);
    sockets.host.reset();
    const auto transfer = rx.send_from(sockets.device.get(), 100, header());
    CHECK(transfer->bytes == 0);
    CHECK(transfer->error == 0);
    CHECK(ring.used_index() == 0);
}
