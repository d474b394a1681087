#include "vmm/devices/vsock/device.h"

#include <doctest/doctest.h>
#include <linux/virtio_config.h>
#include <linux/virtio_ids.h>
#include <sys/socket.h>

#include <array>
#include <map>
#include <string>
#include <vector>

#include "tests/vmm/devices/vsock/guest_side.h"

using namespace nacre::vsock;
using nacre::FileDescriptor;
using test::end_of_file;
using test::Fixture;
using test::read_text;
using test::write_text;

namespace {

/// A fixture whose host offers a socket at test::channel_port.
struct ChannelFixture : Fixture {
    FileDescriptor channel;
    std::vector<std::uint32_t> connects;

    ChannelFixture() {
        auto pair = test::socket_pair();
        channel = std::move(pair.host);
        options.host_ports.push_back({test::channel_port, std::move(pair.device)});
        options.on_first_guest_connect = [this](std::uint32_t port) { connects.push_back(port); };
        guest_port = 50000;
        host_port = test::channel_port;
    }
};

std::uint32_t payload_bytes(const std::vector<test::Packet>& packets) {
    std::uint32_t total = 0;
    for (const auto& packet : packets)
        total += packet.header.op == Op::rw ? packet.header.length : 0;
    return total;
}

}  // namespace

// What a driver sees of the device.

TEST_CASE_FIXTURE(Fixture, "identity, features, queues and configuration space") {
    start();
    CHECK(device().type() == VIRTIO_ID_VSOCK);
    CHECK((device().features() & 1) != 0);
    CHECK(device().queue_sizes().size() == 3);

    std::array<std::byte, 8> config{};
    device().read_config(0, config);
    CHECK(config[0] == std::byte{3});
    CHECK(config[1] == std::byte{0});
    std::array<std::byte, 4> beyond{};
    beyond.fill(std::byte{0xff});
    device().read_config(6, beyond);
    CHECK(beyond == std::array<std::byte, 4>{});
    beyond.fill(std::byte{0xff});
    device().read_config(~std::uint64_t{0}, beyond);
    CHECK(beyond == std::array<std::byte, 4>{});
}

TEST_CASE_FIXTURE(Fixture, "a driver without receive or transmit queue is refused") {
    start(0, false);
    driver().disable_queue(0);
    CHECK_FALSE(driver().activate());
}

TEST_CASE_FIXTURE(Fixture, "a driver may do without the event queue") {
    start(0, false);
    driver().disable_queue(2);
    CHECK(driver().activate());
}

// The host connects.

TEST_CASE_FIXTURE(Fixture, "CONNECT becomes REQUEST, RESPONSE becomes OK") {
    start();
    const auto client = connect(1234);
    const auto request = received_one().header;
    CHECK(request.op == Op::request);
    CHECK(request.destination_port == 1234);
    CHECK(read_text(client).empty());

    host_port = request.source_port;
    guest_port = 1234;
    send(packet(Op::response));
    CHECK(read_text(client) == fmt::format("OK {}\n", host_port));
    CHECK(device().connections() == 1);
}

TEST_CASE_FIXTURE(Fixture, "a guest that refuses closes the host's socket without OK") {
    start();
    const auto client = connect();
    host_port = received_one().header.source_port;
    send(packet(Op::rst));
    CHECK(end_of_file(client));
    CHECK(device().connections() == 0);
    CHECK(received().empty());
}

TEST_CASE_FIXTURE(Fixture, "host connections from before the driver wait for it") {
    start(0, false);
    const auto client = connect();
    CHECK(device().connections() == 1);
    CHECK_FALSE(end_of_file(client));
    driver_ok();
    CHECK(received_one().header.op == Op::request);
}

TEST_CASE_FIXTURE(Fixture, "a host that leaves before the driver came is forgotten") {
    start(0, false);
    connect().reset();
    run();
    CHECK(device().connections() == 0);
    driver_ok();
    CHECK(received().empty());
}

TEST_CASE_FIXTURE(Fixture, "a host that leaves before the guest answers: RST") {
    start();
    connect().reset();
    run();
    const auto packets = received();
    REQUIRE(packets.size() == 2);
    CHECK(packets[0].header.op == Op::request);
    CHECK(packets[1].header.op == Op::rst);
    CHECK(device().connections() == 0);
}

TEST_CASE_FIXTURE(Fixture, "a guest that never answers is given up") {
    options.timeouts.handshake = std::chrono::milliseconds(1);
    start();
    const auto client = connect();
    wait_until([&] { return device().connections() == 0; });
    const auto packets = received();
    REQUIRE(packets.size() == 2);
    CHECK(packets[1].header.op == Op::rst);
    CHECK(end_of_file(client));
    CHECK(device().connections() == 0);
}

TEST_CASE_FIXTURE(Fixture, "what the host writes before OK arrives after it") {
    start();
    const auto client = connect();
    write_text(client, "early");
    run();
    host_port = received_one().header.source_port;
    send(packet(Op::response));
    const auto data = received_one();
    CHECK(data.header.op == Op::rw);
    CHECK(data.payload == "early");
}

TEST_CASE_FIXTURE(Fixture, "connections beyond the limit wait in the backlog until there is room") {
    options.max_connections = 2;
    start();
    const auto first = establish();
    const auto second = connect();
    CHECK(received().size() == 1);
    const auto third = connect();
    CHECK(device().connections() == 2);
    CHECK(received().empty());
    CHECK_FALSE(end_of_file(third));
    send(packet(Op::rst));  // of the first
    CHECK(device().connections() == 2);
    CHECK(received_one().header.op == Op::request);
}

// The guest connects.

TEST_CASE_FIXTURE(ChannelFixture, "the guest connects to a port that the host offers, once") {
    start();
    send(packet(Op::request));
    const auto response = received_one().header;
    CHECK(response.op == Op::response);
    CHECK(response.source_port == test::channel_port);
    CHECK(response.destination_port == 50000);
    CHECK(connects == std::vector<std::uint32_t>{test::channel_port});

    send(data("hello"), "hello");
    CHECK(read_text(channel) == "hello");
    write_text(channel, "welcome");
    run();
    CHECK(received_one().payload == "welcome");

    guest_port = 50001;
    send(packet(Op::request));
    CHECK(received_one().header.op == Op::rst);
    CHECK(device().connections() == 1);
    CHECK(connects.size() == 1);
}

TEST_CASE_FIXTURE(ChannelFixture, "ports that the host does not offer answer RST") {
    start();
    for (const std::uint32_t port : {0U, 1U, 1023U, 1025U, 0x40000000U, 0xffffffffU}) {
        host_port = port;
        send(packet(Op::request));
        const auto reply = received_one().header;
        CHECK(reply.op == Op::rst);
        CHECK(reply.source_port == port);
        CHECK(reply.destination_port == 50000);
    }
    CHECK(connects.empty());
}

TEST_CASE_FIXTURE(ChannelFixture, "data that the host wrote before the guest came is there for it") {
    write_text(channel, "waiting");
    start();
    send(packet(Op::request));
    const auto packets = received();
    REQUIRE(packets.size() == 2);
    CHECK(packets[0].header.op == Op::response);
    CHECK(packets[1].payload == "waiting");
}

TEST_CASE_FIXTURE(ChannelFixture, "a port whose host end is closed opens and ends at once") {
    channel.reset();
    start();
    send(packet(Op::request));
    const auto last = received().back().header;
    CHECK(last.op == Op::shutdown);
    CHECK(last.flags == shutdown_both);
    send(packet(Op::rst));
    CHECK(device().connections() == 0);
}

// Data.

TEST_CASE_FIXTURE(Fixture, "bytes go both ways") {
    start();
    const auto client = establish();
    send(data("from the guest"), "from the guest");
    CHECK(read_text(client) == "from the guest");
    write_text(client, "from the host");
    run();
    const auto packet = received_one();
    CHECK(packet.header.op == Op::rw);
    CHECK(packet.payload == "from the host");
    CHECK(packet.header.forwarded_bytes == 14);
}

TEST_CASE_FIXTURE(Fixture, "a packet in one descriptor, and one with more bytes than it says") {
    start();
    const auto client = establish();
    auto raw = encode(data("abc"));
    const std::string header(reinterpret_cast<const char*>(raw.data()), raw.size());
    tx().chain().readable(header + "abc").publish();
    tx().chain().readable(header + "defgarbage").publish();
    tx().chain().readable(header.substr(0, 20)).readable(header.substr(20) + "g").readable("hi").publish();
    driver().kick(1);
    run();
    CHECK(tx().collect_used().size() == 3);
    CHECK(read_text(client) == "abcdefghi");
}

TEST_CASE_FIXTURE(Fixture, "a payload of nothing is nothing") {
    start();
    const auto client = establish();
    send(packet(Op::rw));
    CHECK(read_text(client).empty());
    CHECK_FALSE(end_of_file(client));
    CHECK(received().empty());
}

TEST_CASE_FIXTURE(Fixture, "the host is not read beyond the guest's credit") {
    start();
    const auto client = establish(1000);
    write_text(client, std::string(3000, 'x'));
    run();
    CHECK(payload_bytes(received()) == 1000);
    run();
    CHECK(received().empty());
    forwarded_bytes = 600;
    send(packet(Op::credit_update));
    CHECK(payload_bytes(received()) == 600);
    forwarded_bytes = 1600;
    send(packet(Op::credit_update));
    CHECK(payload_bytes(received()) == 1000);
    forwarded_bytes = 2600;
    send(packet(Op::credit_update));
    CHECK(payload_bytes(received()) == 400);
}

TEST_CASE_FIXTURE(Fixture, "without receive buffers the host is not read; a kick goes on") {
    start(2);
    const auto client = establish();
    write_text(client, std::string(40000, 'x'));
    run();
    CHECK(rx().collect_used().size() == 2);
    run();
    CHECK(rx().collect_used().empty());
    give_buffers(4);
    run();
    CHECK(rx().collect_used().size() == 4);
}

TEST_CASE_FIXTURE(Fixture,
                  "a host that does not read: what the credit allows is held, then all arrives in order") {
    start();
    const auto client = establish();
    std::string sent;
    std::string read;
    // The socket's own buffer first, then the ring.
    std::uint32_t acknowledged = 0;
    for (int i = 0;; ++i) {
        for (const auto& packet : received())
            acknowledged = packet.header.forwarded_bytes;
        const auto in_flight = static_cast<std::uint32_t>(sent.size()) - acknowledged;
        if (in_flight + 16384 > receive_buffer_bytes)
            break;
        REQUIRE(i < 1000);
        const std::string block(16384, static_cast<char>('a' + i % 26));
        sent += block;
        send(data(block), block);
    }
    CHECK(device().connections() == 1);
    while (read.size() < sent.size()) {
        read += read_text(client);
        run();
    }
    CHECK(read == sent);
    CHECK(received().back().header.forwarded_bytes >= sent.size() - credit_update_bytes);
}

TEST_CASE_FIXTURE(Fixture, "a connection that floods leaves the others their turns") {
    start(16);
    std::vector<FileDescriptor> clients;
    std::vector<std::uint32_t> ports;
    for (int i = 0; i < 4; ++i) {
        clients.push_back(establish());
        ports.push_back(host_port);
    }
    write_text(clients[0], std::string(200000, 'x'));
    for (int i = 1; i < 4; ++i)
        write_text(clients[static_cast<std::size_t>(i)], "small");
    run();
    // A turn takes all buffers that there are here; after two at most, the others had theirs.
    std::map<std::uint32_t, std::uint32_t> bytes;
    while (bytes.size() < ports.size() && bytes[ports[0]] < 200000) {
        for (const auto& packet : received())
            bytes[packet.header.source_port] += packet.header.length;
        run();
    }
    for (std::size_t i = 1; i < 4; ++i)
        CHECK(bytes[ports[i]] == 5);
    CHECK(bytes[ports[0]] < 200000);
}

TEST_CASE_FIXTURE(Fixture, "credit requests are answered, once for many") {
    start();
    const auto client = establish();
    for (int i = 0; i < 10; ++i)
        post(packet(Op::credit_request));
    run();
    const auto update = received_one().header;
    CHECK(update.op == Op::credit_update);
    CHECK(update.buffer_bytes == receive_buffer_bytes);
}

// Closing.

TEST_CASE_FIXTURE(Fixture, "the host's half-close is SHUTDOWN after its data; the guest can still send") {
    start();
    const auto client = establish();
    write_text(client, "last words");
    ::shutdown(client.get(), SHUT_WR);
    run();
    const auto packets = received();
    REQUIRE(packets.size() == 2);
    CHECK(packets[0].payload == "last words");
    CHECK(packets[1].header.op == Op::shutdown);
    CHECK(packets[1].header.flags == shutdown_send);
    send(data("answer"), "answer");
    CHECK(read_text(client) == "answer");
    CHECK_FALSE(end_of_file(client));
}

TEST_CASE_FIXTURE(Fixture, "the guest's half-close is an end of file for the host, which can still send") {
    start();
    const auto client = establish();
    send(data("bye"), "bye");
    send(shutdown(shutdown_send));
    CHECK(read_text(client) == "bye");
    CHECK(end_of_file(client));
    write_text(client, "still here");
    run();
    CHECK(received_one().payload == "still here");
}

TEST_CASE_FIXTURE(Fixture, "both half-closes end the connection with SHUTDOWN and RST") {
    start();
    const auto client = establish();
    send(shutdown(shutdown_send));
    ::shutdown(client.get(), SHUT_WR);
    run();
    CHECK(received().back().header.flags == shutdown_both);
    CHECK(end_of_file(client));
    send(packet(Op::rst));
    CHECK(device().connections() == 0);
    CHECK(received().empty());
}

TEST_CASE_FIXTURE(Fixture,
                  "the guest closes: the host gets all its data, then end of file; the guest gets RST") {
    start();
    const auto client = establish();
    post(data("all of it"), "all of it");
    post(shutdown(shutdown_both));
    run();
    CHECK(read_text(client) == "all of it");
    CHECK(end_of_file(client));
    CHECK(received_one().header.op == Op::rst);
    CHECK(device().connections() == 0);
}

TEST_CASE_FIXTURE(Fixture, "the guest closes with data that the host has not read: RST only after it has") {
    start();
    const auto client = establish();
    std::size_t sent = 0;
    std::uint32_t acknowledged = 0;
    const std::string block(32768, 'x');
    while (sent - acknowledged + block.size() <= receive_buffer_bytes) {
        send(data(block), block);
        sent += block.size();
        for (const auto& packet : received())
            acknowledged = packet.header.forwarded_bytes;
    }
    send(shutdown(shutdown_both));
    CHECK(received().empty());
    CHECK(device().connections() == 1);
    std::size_t read = 0;
    while (read < sent && !end_of_file(client)) {
        read += read_text(client).size();
        run();
    }
    CHECK(read == sent);
    CHECK(end_of_file(client));
    CHECK(received_one().header.op == Op::rst);
    CHECK(device().connections() == 0);
}

TEST_CASE_FIXTURE(Fixture, "the guest resets: the host still gets what was sent before") {
    start();
    const auto client = establish();
    std::size_t sent = 0;
    std::uint32_t acknowledged = 0;
    const std::string block(32768, 'x');
    while (sent - acknowledged + block.size() <= receive_buffer_bytes) {
        send(data(block), block);
        sent += block.size();
        for (const auto& packet : received())
            acknowledged = packet.header.forwarded_bytes;
    }
    send(packet(Op::rst));
    std::size_t read = 0;
    while (read < sent && !end_of_file(client)) {
        read += read_text(client).size();
        run();
    }
    CHECK(read == sent);
    CHECK(end_of_file(client));
    CHECK(received().empty());
    CHECK(device().connections() == 0);
}

TEST_CASE_FIXTURE(Fixture, "the host closes: the guest gets all its data, then SHUTDOWN") {
    start();
    auto client = establish();
    write_text(client, "all of it");
    client.reset();
    run();
    std::string payload;
    std::uint32_t flags = 0;
    for (const auto& packet : received()) {
        payload += packet.payload;
        if (packet.header.op == Op::shutdown)
            flags = packet.header.flags;
    }
    CHECK(payload == "all of it");
    CHECK(flags == shutdown_both);
    CHECK(device().connections() == 1);
    send(packet(Op::rst));
    CHECK(device().connections() == 0);
}

TEST_CASE_FIXTURE(Fixture, "the host closes while the guest has no credit left: it gets the rest later") {
    start();
    auto client = establish(10);
    write_text(client, "0123456789abcde");
    client.reset();
    run();
    CHECK(payload_bytes(received()) == 10);
    forwarded_bytes = 10;
    send(packet(Op::credit_update));
    const auto packets = received();
    REQUIRE(packets.size() == 2);
    CHECK(packets[0].payload == "abcde");
    CHECK(packets[1].header.flags == shutdown_both);
}

TEST_CASE_FIXTURE(Fixture, "the host closes without reading: the guest is told that nobody reads") {
    start();
    auto client = establish();
    send(data("unread"), "unread");
    client.reset();
    run();
    CHECK(received().back().header.flags == shutdown_both);
    send(data("more"), "more");  // crosses the SHUTDOWN
    CHECK(received().empty());
    send(packet(Op::rst));
    CHECK(device().connections() == 0);
}

TEST_CASE_FIXTURE(Fixture, "a guest that will not receive: the host cannot write any more") {
    start();
    const auto client = establish();
    send(shutdown(shutdown_receive));
    CHECK(::send(client.get(), "x", 1, MSG_NOSIGNAL) < 0);
    send(data("still sending"), "still sending");
    CHECK(read_text(client) == "still sending");
}

TEST_CASE_FIXTURE(Fixture, "a guest that does not answer SHUTDOWN is given up") {
    options.timeouts.close = std::chrono::milliseconds(1);
    start();
    establish().reset();
    wait_until([&] { return device().connections() == 0; });
    const auto packets = received();
    REQUIRE(packets.size() >= 2);
    CHECK(packets[packets.size() - 2].header.flags == shutdown_both);
    CHECK(packets.back().header.op == Op::rst);
}

// Reset of the device.

TEST_CASE_FIXTURE(ChannelFixture, "a device reset closes every connection, and a new driver starts afresh") {
    start();
    send(packet(Op::request));
    received();
    const auto client = establish();
    driver().reset();
    CHECK(end_of_file(client));
    CHECK(end_of_file(channel));
    CHECK(device().connections() == 0);

    driver_ok();
    CHECK(received().empty());
    const auto again = establish();
    send(data("again"), "again");
    CHECK(read_text(again) == "again");
}

TEST_CASE_FIXTURE(Fixture, "clients that are at their CONNECT line outlive a reset") {
    start();
    const auto client = connect();
    received();
    driver().reset();
    CHECK(end_of_file(client));
    const auto next = connect();
    driver_ok();
    CHECK(received_one().header.op == Op::request);
    CHECK_FALSE(end_of_file(next));
}

TEST_CASE("interrupts come only when the driver asks, with event index") {
    Fixture fixture(1ULL << 29);
    fixture.start();
    const auto client = fixture.establish();
    fixture.rx().set_used_event(static_cast<std::uint16_t>(fixture.rx().used_index() + 1));
    fixture.tx().set_used_event(0x8000);
    const auto before = fixture.driver().interrupt().used_buffer.load();
    write_text(client, "one");
    fixture.run();
    CHECK(fixture.driver().interrupt().used_buffer == before);
    write_text(client, "two");
    fixture.run();
    CHECK(fixture.driver().interrupt().used_buffer == before + 1);
}
