#include "vmm/devices/vsock/connection.h"

#include <doctest/doctest.h>

#include <vector>

using namespace nacre::vsock;
using Effect = Connection::Effect;
using Phase = Connection::Phase;

namespace {

constexpr std::uint32_t guest_port = 1024;
constexpr std::uint32_t host_port = 5000;
const Clock::time_point start{};
const Timeouts timeouts{std::chrono::seconds(10), std::chrono::seconds(8)};

PacketHeader from_guest(Op op, std::uint32_t length = 0) {
    PacketHeader packet;
    packet.source_cid = 3;
    packet.destination_cid = host_cid;
    packet.source_port = guest_port;
    packet.destination_port = host_port;
    packet.op = op;
    packet.length = length;
    packet.buffer_bytes = 1000;
    return packet;
}

PacketHeader shutdown_from_guest(std::uint32_t flags) {
    auto packet = from_guest(Op::shutdown);
    packet.flags = flags;
    return packet;
}

PacketHeader credit_from_guest(std::uint32_t buffer, std::uint32_t forwarded) {
    auto packet = from_guest(Op::credit_update);
    packet.buffer_bytes = buffer;
    packet.forwarded_bytes = forwarded;
    return packet;
}

PacketHeader take(Connection& connection) {
    return connection.take_control(start, timeouts);
}

Connection requested() {
    auto connection = Connection::to_guest(3, host_port, guest_port);
    take(connection);
    return connection;
}

Connection established() {
    auto connection = requested();
    connection.receive(from_guest(Op::response));
    REQUIRE(connection.phase() == Phase::established);
    return connection;
}

/// The guest sends `bytes` of payload, the host takes them, and the guest is told.
void pass_payload(Connection& connection, std::uint32_t bytes, std::uint32_t guest_forwarded) {
    auto packet = from_guest(Op::rw, bytes);
    packet.forwarded_bytes = guest_forwarded;
    REQUIRE(connection.receive(packet) == Effect::payload);
    connection.forward(bytes);
    while (connection.has_control())
        REQUIRE(take(connection).op == Op::credit_update);
}

void check_violation(Connection connection, const PacketHeader& packet) {
    CAPTURE(static_cast<int>(packet.op));
    CHECK(connection.receive(packet) == Effect::violation);
    CHECK(connection.closed());
    REQUIRE(connection.has_control());
    CHECK(take(connection).op == Op::rst);
    CHECK_FALSE(connection.has_control());
    CHECK(connection.sendable() == 0);
}

const std::vector<Op> every_op{Op::invalid,       Op::request,        Op::response, Op::shutdown, Op::rw,
                               Op::credit_update, Op::credit_request, Op{8},        Op{0xffff}};

}  // namespace

// What a guest must not do.

TEST_CASE("while a REQUEST is unanswered, only RESPONSE and RST are taken") {
    for (const Op op : every_op) {
        if (op != Op::response)
            check_violation(requested(), from_guest(op));
    }
}

TEST_CASE("before the REQUEST has been sent, any packet is unsolicited, and no RST follows to nowhere") {
    for (const Op op : every_op) {
        auto connection = Connection::to_guest(3, host_port, guest_port);
        CHECK(connection.receive(from_guest(op)) == Effect::violation);
        CHECK(connection.closed());
        CHECK_FALSE(connection.has_control());
    }
}

TEST_CASE("before the guest has our RESPONSE it has nothing to send but RST") {
    for (const Op op : every_op)
        check_violation(Connection::from_guest(from_guest(Op::request)), from_guest(op));
}

TEST_CASE("on an open connection, duplicate handshakes and unknown operations close it") {
    for (const Op op : {Op::invalid, Op::request, Op::response, Op{8}, Op{0xffff}})
        check_violation(established(), from_guest(op));
}

TEST_CASE("data beyond the credit closes the connection") {
    check_violation(established(), from_guest(Op::rw, receive_buffer_bytes + 1));
    check_violation(established(), from_guest(Op::rw, 0xffffffff));

    auto connection = established();
    CHECK(connection.receive(from_guest(Op::rw, receive_buffer_bytes)) == Effect::payload);
    check_violation(connection, from_guest(Op::rw, 1));
}

TEST_CASE("credit that was not announced cannot be used, even if the host has read meanwhile") {
    auto connection = established();
    CHECK(connection.receive(from_guest(Op::rw, receive_buffer_bytes)) == Effect::payload);
    connection.forward(receive_buffer_bytes);
    check_violation(connection, from_guest(Op::rw, 1));
}

TEST_CASE("a guest that says it will not send, and sends, is cut off") {
    auto connection = established();
    CHECK(connection.receive(shutdown_from_guest(shutdown_send)) == Effect::none);
    check_violation(connection, from_guest(Op::rw, 1));
}

TEST_CASE("a fwd_cnt beyond what was sent closes the connection") {
    check_violation(established(), credit_from_guest(1000, 1));

    auto connection = established();
    connection.sent(100);
    CHECK(connection.receive(credit_from_guest(1000, 60)) == Effect::none);
    check_violation(connection, credit_from_guest(1000, 101));
    check_violation(connection, credit_from_guest(1000, 0x7fffffff));
}

TEST_CASE("a fwd_cnt in the handshake must be zero, since nothing was sent") {
    auto response = from_guest(Op::response);
    response.forwarded_bytes = 5;
    check_violation(requested(), response);
}

TEST_CASE("a fwd_cnt that goes back is stale, not an error, and gives no credit") {
    auto connection = established();
    connection.sent(100);
    connection.receive(credit_from_guest(1000, 60));
    CHECK(connection.receive(credit_from_guest(1000, 10)) == Effect::none);
    CHECK(connection.sendable() == 960);
}

TEST_CASE("a closed connection ignores everything") {
    auto connection = established();
    connection.close();
    for (const Op op : every_op)
        CHECK(connection.receive(from_guest(op)) == Effect::none);
    CHECK(take(connection).op == Op::rst);
}

// Opening.

TEST_CASE("the host connects: REQUEST, RESPONSE, open") {
    auto connection = Connection::to_guest(3, host_port, guest_port);
    CHECK(connection.sendable() == 0);
    REQUIRE(connection.has_control());
    const auto request = take(connection);
    CHECK(request.op == Op::request);
    CHECK(request.type == stream_type);
    CHECK(request.source_cid == host_cid);
    CHECK(request.destination_cid == 3);
    CHECK(request.source_port == host_port);
    CHECK(request.destination_port == guest_port);
    CHECK(request.buffer_bytes == receive_buffer_bytes);
    CHECK_FALSE(connection.has_control());
    CHECK_FALSE(connection.was_opened());

    CHECK(connection.receive(from_guest(Op::response)) == Effect::opened);
    CHECK(connection.was_opened());
    CHECK(connection.sendable() == 1000);
    CHECK_FALSE(connection.deadline());
}

TEST_CASE("the guest refuses with RST") {
    auto connection = requested();
    CHECK(connection.receive(from_guest(Op::rst)) == Effect::refused);
    CHECK(connection.closed());
    CHECK_FALSE(connection.was_opened());
    CHECK_FALSE(connection.has_control());
}

TEST_CASE("the guest connects: REQUEST, RESPONSE, open") {
    auto connection = Connection::from_guest(from_guest(Op::request));
    CHECK(connection.sendable() == 0);
    CHECK(connection.host_port() == host_port);
    CHECK(connection.guest_port() == guest_port);
    CHECK(take(connection).op == Op::response);
    CHECK(connection.was_opened());
    CHECK(connection.sendable() == 1000);
}

TEST_CASE("the guest takes its request back before it is answered") {
    auto connection = Connection::from_guest(from_guest(Op::request));
    CHECK(connection.receive(from_guest(Op::rst)) == Effect::refused);
    CHECK_FALSE(connection.has_control());
}

TEST_CASE("a guest that does not answer in time is given up with RST") {
    auto connection = requested();
    REQUIRE(connection.deadline());
    connection.expire(start + timeouts.handshake - std::chrono::milliseconds(1));
    CHECK(connection.phase() == Phase::requested);
    connection.expire(start + timeouts.handshake);
    CHECK(connection.closed());
    CHECK(take(connection).op == Op::rst);
}

TEST_CASE("a host that leaves before its request went out leaves no trace") {
    auto connection = Connection::to_guest(3, host_port, guest_port);
    connection.close();
    CHECK_FALSE(connection.has_control());
}

// Credit.

TEST_CASE("the guest may send what was announced, again and again, and is told in time") {
    auto connection = established();
    for (int i = 0; i < 100; ++i) {
        REQUIRE(connection.receive(from_guest(Op::rw, credit_update_bytes)) == Effect::payload);
        CHECK_FALSE(connection.has_control());
        connection.forward(credit_update_bytes);
        REQUIRE(connection.has_control());
        const auto update = take(connection);
        CHECK(update.op == Op::credit_update);
        CHECK(update.forwarded_bytes == connection.credit().received);
        CHECK_FALSE(connection.has_control());
    }
}

TEST_CASE("small progress is not worth a packet, unless the guest asks") {
    auto connection = established();
    connection.receive(from_guest(Op::rw, 10));
    connection.forward(10);
    CHECK_FALSE(connection.has_control());
    CHECK(connection.receive(from_guest(Op::credit_request)) == Effect::none);
    CHECK(connection.receive(from_guest(Op::credit_request)) == Effect::none);
    REQUIRE(connection.has_control());
    CHECK(take(connection).forwarded_bytes == 10);
    CHECK_FALSE(connection.has_control());
}

TEST_CASE("payload to the guest announces credit, but only if it is sent") {
    auto connection = established();
    connection.receive(from_guest(Op::rw, credit_update_bytes));
    connection.forward(credit_update_bytes);
    CHECK(connection.payload_header().forwarded_bytes == credit_update_bytes);
    CHECK(connection.has_control());
    connection.sent(1);
    CHECK_FALSE(connection.has_control());
}

TEST_CASE("the host sends no more than the guest has room for") {
    auto connection = established();
    CHECK(connection.sendable() == 1000);
    connection.sent(1000);
    CHECK(connection.sendable() == 0);
    connection.receive(credit_from_guest(1000, 400));
    CHECK(connection.sendable() == 400);
}

TEST_CASE("a guest may shrink its buffer below what is in flight") {
    auto connection = established();
    connection.sent(800);
    connection.receive(credit_from_guest(100, 0));
    CHECK(connection.sendable() == 0);
    connection.receive(credit_from_guest(0, 800));
    CHECK(connection.sendable() == 0);
    connection.receive(credit_from_guest(100, 800));
    CHECK(connection.sendable() == 100);
}

TEST_CASE("counters of both directions roll over at 2^32") {
    auto connection = established();
    constexpr std::uint32_t step = receive_buffer_bytes;
    std::uint32_t total = 0;
    for (std::uint64_t sum = 0; sum < (std::uint64_t{1} << 32) + 3 * step; sum += step) {
        pass_payload(connection, step, total);
        connection.sent(step);
        total += step;
        REQUIRE(connection.receive(credit_from_guest(step, total)) == Effect::none);
        REQUIRE(connection.sendable() == step);
    }
    CHECK(connection.credit().received == total);
    check_violation(connection, credit_from_guest(step, total + 1));
}

// Closing.

TEST_CASE("the guest's SHUTDOWN flags are sticky, unknown ones mean nothing") {
    auto connection = established();
    connection.receive(shutdown_from_guest(0xfffffffc));
    CHECK_FALSE(connection.guest_done_sending());
    CHECK_FALSE(connection.guest_done_receiving());
    connection.receive(shutdown_from_guest(shutdown_send));
    connection.receive(shutdown_from_guest(0));
    CHECK(connection.guest_done_sending());
    CHECK(connection.sendable() == 1000);
    connection.receive(shutdown_from_guest(shutdown_receive));
    CHECK(connection.guest_done());
    CHECK(connection.sendable() == 0);
}

TEST_CASE("the host's half-close is one SHUTDOWN, the other direction goes on") {
    auto connection = established();
    connection.host_done_sending();
    REQUIRE(connection.has_control());
    const auto packet = take(connection);
    CHECK(packet.op == Op::shutdown);
    CHECK(packet.flags == shutdown_send);
    CHECK_FALSE(connection.has_control());
    CHECK_FALSE(connection.deadline());
    CHECK(connection.sendable() == 0);
    CHECK(connection.receive(from_guest(Op::rw, 10)) == Effect::payload);
}

TEST_CASE("after both SHUTDOWN flags the guest's RST ends it") {
    auto connection = established();
    connection.host_done_sending();
    connection.host_done_receiving();
    CHECK(take(connection).flags == shutdown_both);
    CHECK(connection.phase() == Phase::closing);
    CHECK(connection.receive(from_guest(Op::rw, 10)) == Effect::none);  // it crossed the SHUTDOWN
    CHECK(connection.unforwarded() == 0);
    CHECK(connection.receive(from_guest(Op::rst)) == Effect::refused);
    CHECK_FALSE(connection.has_control());
}

TEST_CASE("data that crosses a SHUTDOWN is still held to the credit") {
    auto connection = established();
    connection.host_done_receiving();
    take(connection);
    CHECK(connection.receive(from_guest(Op::rw, receive_buffer_bytes)) == Effect::none);
    CHECK_FALSE(connection.has_control());
    check_violation(connection, from_guest(Op::rw, 1));
}

TEST_CASE("a guest that does not answer SHUTDOWN is given up with RST") {
    auto connection = established();
    connection.host_done_sending();
    connection.host_done_receiving();
    take(connection);
    connection.expire(start + timeouts.close);
    CHECK(connection.closed());
    CHECK(take(connection).op == Op::rst);
}
