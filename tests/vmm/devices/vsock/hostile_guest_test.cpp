#include <dirent.h>
#include <doctest/doctest.h>
#include <sys/socket.h>

#include <cstring>
#include <memory>
#include <string>
#include <vector>

#include "tests/vmm/devices/vsock/guest_side.h"

// A guest that does what no driver should, one case each.

using namespace nacre::vsock;
using nacre::FileDescriptor;
using nacre::virtio::fake::FakeGuest;
using nacre::virtio::fake::flag_write;
using test::end_of_file;
using test::Fixture;
using test::read_text;
using test::write_text;

namespace {

std::size_t open_descriptors() {
    const std::unique_ptr<DIR, int (*)(DIR*)> directory(::opendir("/proc/self/fd"), ::closedir);
    std::size_t count = 0;
    while (::readdir(directory.get()) != nullptr)
        ++count;
    return count;
}

std::string bytes_of(const PacketHeader& header) {
    const auto raw = encode(header);
    return {reinterpret_cast<const char*>(raw.data()), raw.size()};
}

/// The device answered the last packet with RST and closed the host's socket.
void check_cut_off(Fixture& fixture, const FileDescriptor& client) {
    const auto packets = fixture.received();
    REQUIRE_FALSE(packets.empty());
    CHECK(packets.back().header.op == Op::rst);
    CHECK(packets.back().header.source_port == fixture.host_port);
    CHECK(end_of_file(client));
    CHECK(fixture.device().connections() == 0);
    CHECK(fixture.driver().interrupt().needs_reset == 0);
}

void check_ignored(Fixture& fixture, const FileDescriptor& client) {
    CHECK(fixture.received().empty());
    CHECK_FALSE(end_of_file(client));
    CHECK(read_text(client).empty());
    CHECK(fixture.device().connections() == 1);
}

}  // namespace

// Addresses.

TEST_CASE_FIXTURE(Fixture, "wrong_src_cid, impersonate_host_cid, reserved_cid: dropped without an answer") {
    start();
    const auto client = establish();
    for (const std::uint64_t cid :
         {std::uint64_t{0}, std::uint64_t{1}, std::uint64_t{2}, std::uint64_t{4}, std::uint64_t{0xffffffff},
          std::uint64_t{3} | std::uint64_t{1} << 32, ~std::uint64_t{0}}) {
        for (const Op op : {Op::request, Op::rw, Op::rst, Op::shutdown}) {
            auto header = packet(op);
            header.source_cid = cid;
            send(header);
            check_ignored(*this, client);
        }
    }
}

TEST_CASE_FIXTURE(Fixture, "packets for anyone but the host are dropped") {
    start();
    const auto client = establish();
    for (const std::uint64_t cid : {std::uint64_t{0}, std::uint64_t{1}, std::uint64_t{3}, std::uint64_t{77},
                                    std::uint64_t{2} | std::uint64_t{1} << 32, ~std::uint64_t{0}}) {
        auto header = packet(Op::rst);
        header.destination_cid = cid;
        send(header);
        check_ignored(*this, client);
    }
}

TEST_CASE_FIXTURE(Fixture, "a packet from another port of the guest does not reach a connection") {
    start();
    const auto client = establish();
    auto header = packet(Op::rst);
    header.source_port = 4711;
    send(header);
    check_ignored(*this, client);
    header.op = Op::shutdown;
    header.flags = shutdown_both;
    send(header);
    const auto reply = received_one().header;
    CHECK(reply.op == Op::rst);
    CHECK(reply.destination_port == 4711);
    CHECK_FALSE(end_of_file(client));
}

// Packets.

TEST_CASE_FIXTURE(Fixture, "unknown socket types are refused and do not reach a connection") {
    start();
    const auto client = establish();
    for (const std::uint16_t type : {std::uint16_t{0}, std::uint16_t{2}, std::uint16_t{0xffff}}) {
        auto header = packet(Op::rw);
        header.type = type;
        send(header);
        const auto reply = received_one().header;
        CHECK(reply.op == Op::rst);
        CHECK(reply.type == type);
        CHECK_FALSE(end_of_file(client));
    }
}

TEST_CASE_FIXTURE(Fixture, "unknown operations cut the connection off") {
    for (const std::uint16_t op : {std::uint16_t{0}, std::uint16_t{8}, std::uint16_t{0xffff}}) {
        Fixture fixture;
        fixture.start();
        const auto client = fixture.establish();
        fixture.send(fixture.packet(Op{op}));
        check_cut_off(fixture, client);
    }
}

TEST_CASE_FIXTURE(Fixture, "unsolicited_response and duplicate REQUEST cut the connection off") {
    for (const Op op : {Op::response, Op::request}) {
        Fixture fixture;
        fixture.start();
        const auto client = fixture.establish();
        fixture.send(fixture.packet(op));
        check_cut_off(fixture, client);
    }
}

TEST_CASE_FIXTURE(Fixture, "packets for no connection: RST, except for RST itself") {
    start();
    host_port = 99;
    for (const Op op :
         {Op::invalid, Op::response, Op::rw, Op::shutdown, Op::credit_update, Op::credit_request}) {
        send(packet(op));
        CHECK(received_one().header.op == Op::rst);
    }
    send(packet(Op::rst));
    CHECK(received().empty());
}

TEST_CASE_FIXTURE(Fixture, "len_exceeds_payload: a packet that is not all there cuts the connection off") {
    for (const std::uint32_t length : {6U, 4096U, 0x7fffffffU, 0xffffffd4U, 0xffffffffU}) {
        Fixture fixture;
        fixture.start();
        const auto client = fixture.establish();
        fixture.send(fixture.packet(Op::rw, length), "short");
        check_cut_off(fixture, client);
        CHECK(read_text(client).empty());
    }
}

TEST_CASE_FIXTURE(Fixture, "data_beyond_credit cuts the connection off") {
    start();
    const auto client = establish();
    const std::string block(receive_buffer_bytes + 1, 'x');
    send(data(block), block);
    check_cut_off(*this, client);
    CHECK(read_text(client).empty());
}

TEST_CASE_FIXTURE(Fixture,
                  "credit_overflow: data that the host has not read and the guest got no credit for") {
    start();
    const auto client = establish();
    const std::string block(32768, 'x');
    // Without ever looking at credit updates; the host reads nothing.
    for (int i = 0; i < 100 && device().connections() == 1; ++i)
        send(data(block), block);
    CHECK(read_text(client).size() < 3'000'000);
    check_cut_off(*this, client);
}

TEST_CASE_FIXTURE(Fixture, "credit_underflow, a fwd_cnt of more than was sent, cuts the connection off") {
    start();
    const auto client = establish();
    write_text(client, "12345");
    run();
    received();
    forwarded_bytes = 6;
    send(packet(Op::credit_update));
    check_cut_off(*this, client);
}

TEST_CASE_FIXTURE(Fixture, "a buf_alloc of 2^32 - 1 makes the device send no more than its buffers take") {
    start(4);
    const auto client = establish(0xffffffff);
    write_text(client, std::string(100000, 'x'));
    run();
    CHECK(rx().collect_used().size() == 4);
}

TEST_CASE_FIXTURE(Fixture, "shutdown_then_send cuts the connection off") {
    start();
    const auto client = establish();
    send(shutdown(shutdown_send));
    send(data("x"), "x");
    check_cut_off(*this, client);
}

TEST_CASE_FIXTURE(Fixture, "packets after the end of a connection: RST, nothing else") {
    start();
    const auto client = establish();
    send(packet(Op::rst));
    send(data("x"), "x");
    CHECK(received_one().header.op == Op::rst);
    CHECK(device().connections() == 0);
}

// Floods.

TEST_CASE_FIXTURE(Fixture,
                  "connect_flood, port_exhaustion: nothing is kept of it but a bounded number of RSTs") {
    start(0);
    for (std::uint32_t i = 0; i < 5000; ++i) {
        guest_port = i;
        host_port = i * 7;
        send(packet(Op::request));
    }
    CHECK(device().connections() == 0);
    std::size_t resets = 0;
    do {
        give_buffers(16);
        run();
        resets += rx().collect_used().size();
    } while (rx().in_flight() == 0);
    CHECK(resets == Muxer::max_resets);
}

TEST_CASE_FIXTURE(Fixture, "a flood of credit requests is answered by one packet") {
    start();
    const auto client = establish();
    received();
    for (int i = 0; i < 60; ++i)
        post(packet(Op::credit_request));
    run();
    CHECK(received().size() == 1);
    CHECK(device().connections() == 1);
}

TEST_CASE_FIXTURE(Fixture, "a transmit queue that is always full leaves the thread to others") {
    start();
    for (int i = 0; i < 64; ++i)
        tx().chain().readable(bytes_of(packet(Op::rst))).publish();
    driver().kick(1);
    REQUIRE(loop().run_once(0));
    CHECK(tx().used_index() <= 64);
    run();
    CHECK(tx().collect_used().size() == 64);
}

TEST_CASE_FIXTURE(Fixture, "event_queue_flood: nothing reads that queue") {
    start();
    for (int i = 0; i < 1000; ++i)
        driver().kick(2);
    run();
    CHECK(driver().interrupt().needs_reset == 0);
}

TEST_CASE_FIXTURE(Fixture, "kick storms without packets do nothing") {
    start();
    const auto client = establish();
    for (int i = 0; i < 1000; ++i) {
        driver().kick(0);
        driver().kick(1);
        run();
    }
    check_ignored(*this, client);
}

TEST_CASE_FIXTURE(Fixture, "descriptors and connections are given back, however connections end") {
    start();
    const auto before = open_descriptors();
    for (int i = 0; i < 200; ++i) {
        auto client = establish();
        switch (i % 5) {
            case 0:
                send(packet(Op::rst));
                break;
            case 1:
                send(shutdown(shutdown_both));
                break;
            case 2:
                send(packet(Op::invalid));
                break;
            case 3:
                send(data("unread"), "unread");
                client.reset();
                run();
                send(packet(Op::rst));
                break;
            default:
                driver().reset();
                driver_ok();
                break;
        }
        received();
        CHECK(device().connections() == 0);
    }
    CHECK(open_descriptors() == before);
}

// Queues.

TEST_CASE_FIXTURE(Fixture, "a header that is not all there is dropped") {
    start();
    const auto client = establish();
    for (const std::size_t length : {std::size_t{1}, std::size_t{43}}) {
        tx().chain().readable(bytes_of(packet(Op::rst)).substr(0, length)).publish();
        driver().kick(1);
        run();
        CHECK(tx().collect_used().size() == 1);
        check_ignored(*this, client);
    }
}

TEST_CASE_FIXTURE(Fixture, "a transmit buffer that is only writable is dropped") {
    start();
    const auto client = establish();
    tx().chain().writable(4096).publish();
    driver().kick(1);
    run();
    const auto used = tx().collect_used();
    REQUIRE(used.size() == 1);
    CHECK(used[0].written == 0);
    check_ignored(*this, client);
}

TEST_CASE_FIXTURE(Fixture,
                  "rx_huge_len_past_ram, addr_len_wrap and the like stop the device, the host sees the end") {
    struct Buffer {
        nacre::GuestAddress address;
        std::uint32_t length;
    };
    const std::vector<Buffer> bad{{FakeGuest::low_end - 64, 4096},       {FakeGuest::in_hole, 4096},
                                  {FakeGuest::low_end - 64, 0xffffffff}, {~std::uint64_t{0} - 63, 4096},
                                  {~std::uint64_t{0}, 0xffffffff},       {0x1000, 0}};
    for (const auto& [address, length] : bad) {
        for (const std::size_t queue : {std::size_t{0}, std::size_t{1}}) {
            Fixture fixture;
            fixture.start(1);
            const auto client = fixture.establish();
            fixture.rx().collect_used();
            fixture.run();
            fixture.driver().ring(queue).chain().raw(address, length, queue == 0 ? flag_write : 0).publish();
            fixture.driver().kick(queue);
            write_text(client, std::string(10000, 'x'));
            fixture.run();
            CHECK(fixture.driver().interrupt().needs_reset == 1);
            read_text(client);
            CHECK(end_of_file(client));
            CHECK(fixture.device().connections() == 0);

            fixture.driver().kick(queue);
            fixture.run();
            CHECK(fixture.driver().interrupt().needs_reset == 1);

            fixture.driver().reset();
            fixture.driver_ok();
            const auto again = fixture.establish();
            CHECK(fixture.device().connections() == 1);
        }
    }
}

TEST_CASE_FIXTURE(Fixture, "an available index that jumps stops the device") {
    for (const std::size_t queue : {std::size_t{0}, std::size_t{1}}) {
        Fixture fixture;
        fixture.start();
        const auto client = fixture.establish();
        auto& ring = fixture.driver().ring(queue);
        ring.poke_available_index(static_cast<std::uint16_t>(ring.available_index() + 1000));
        fixture.driver().kick(queue);
        for (int i = 0; i < 40; ++i) {
            write_text(client, std::string(4096, 'x'));
            fixture.run();
            if (end_of_file(client) || fixture.driver().interrupt().needs_reset != 0)
                break;
        }
        CHECK(fixture.driver().interrupt().needs_reset == 1);
        CHECK(fixture.device().connections() == 0);
    }
}

TEST_CASE_FIXTURE(Fixture, "kicks after a reset reach nobody") {
    start();
    const auto client = establish();
    driver().reset();
    driver().kick(0);
    driver().kick(1);
    run();
    CHECK(device().connections() == 0);
}
