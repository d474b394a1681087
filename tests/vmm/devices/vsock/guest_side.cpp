#include "tests/vmm/devices/vsock/guest_side.h"

#include <doctest/doctest.h>
#include <fcntl.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/un.h>

#include <array>
#include <cerrno>
#include <cstring>
#include <utility>

namespace nacre::vsock::test {

SocketPair socket_pair() {
    std::array<int, 2> fds{};
    REQUIRE(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds.data()) == 0);
    SocketPair pair{FileDescriptor(fds[0]), FileDescriptor(fds[1])};
    REQUIRE(set_nonblocking(pair.host.get(), true));
    return pair;
}

FileDescriptor listening_socket() {
    FileDescriptor listener(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
    // Only the family: the kernel chooses an abstract address (unix(7), autobind).
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    REQUIRE(::bind(listener.get(), reinterpret_cast<sockaddr*>(&address), sizeof(sa_family_t)) == 0);
    REQUIRE(::listen(listener.get(), 128) == 0);
    return listener;
}

FileDescriptor connect_to(const FileDescriptor& listener) {
    sockaddr_un address{};
    socklen_t length = sizeof(address);
    REQUIRE(::getsockname(listener.get(), reinterpret_cast<sockaddr*>(&address), &length) == 0);
    FileDescriptor client(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
    REQUIRE(::connect(client.get(), reinterpret_cast<sockaddr*>(&address), length) == 0);
    return client;
}

void write_text(const FileDescriptor& socket, std::string_view text) {
    REQUIRE(::send(socket.get(), text.data(), text.size(), MSG_NOSIGNAL) ==
            static_cast<ssize_t>(text.size()));
}

std::string read_text(const FileDescriptor& socket) {
    std::string text;
    std::array<char, 65536> buffer;
    ssize_t count = 0;
    while ((count = ::recv(socket.get(), buffer.data(), buffer.size(), MSG_DONTWAIT)) > 0)
        text.append(buffer.data(), static_cast<std::size_t>(count));
    return text;
}

bool end_of_file(const FileDescriptor& socket) {
    char byte = 0;
    const auto count = ::recv(socket.get(), &byte, 1, MSG_DONTWAIT | MSG_PEEK);
    return count == 0 || (count < 0 && errno == ECONNRESET);
}

Fixture::Fixture(std::uint64_t features) : features_(features) {
    auto loop = EventLoop::create();
    REQUIRE(loop);
    loop_ = std::move(*loop);
    options.listener = listening_socket();
}

void Fixture::start(std::size_t rx_buffers, bool ready) {
    if (options.listener)
        address_ = std::move(*options.listener.duplicate());
    auto device = Device::create(*loop_, std::move(options));
    REQUIRE(device);
    device_ = std::move(*device);
    driver_ = std::make_unique<virtio::fake::FakeDriver>(*device_, features_);
    if (ready)
        driver_ok(rx_buffers);
}

void Fixture::driver_ok(std::size_t rx_buffers) {
    REQUIRE(driver_->activate());
    give_buffers(rx_buffers);
    run();
}

void Fixture::run() {
    // The loop tells nobody whether it had something to do; its descriptor does, but it is private. A round
    // handles all that is ready, and nothing here needs more than a few.
    for (int round = 0; round < 8; ++round)
        REQUIRE(loop_->run_once(0));
}

void Fixture::wait_until(const std::function<bool()>& done) {
    for (int round = 0; !done(); ++round) {
        REQUIRE(round < 100);
        REQUIRE(loop_->run_once(1000));
    }
}

void Fixture::give_buffers(std::size_t count, std::uint32_t bytes) {
    for (std::size_t i = 0; i < count; ++i)
        rx().chain().writable(bytes).publish();
    if (count > 0)
        driver_->kick(0);
}

void Fixture::post(const PacketHeader& header, std::string_view payload) {
    const auto raw = encode(header);
    auto chain = tx().chain();
    chain.readable({reinterpret_cast<const char*>(raw.data()), raw.size()});
    if (!payload.empty())
        chain.readable(payload);
    chain.publish();
    driver_->kick(1);
}

void Fixture::send(const PacketHeader& header, std::string_view payload) {
    post(header, payload);
    run();
    CHECK(tx().collect_used().size() == 1);
}

std::vector<Packet> Fixture::received() {
    std::vector<Packet> packets;
    for (const auto& used : rx().collect_used()) {
        RawHeader raw;
        REQUIRE(used.bytes.size() >= raw.size());
        std::memcpy(raw.data(), used.bytes.data(), raw.size());
        packets.push_back({decode(raw), used.bytes.substr(raw.size())});
        CHECK(packets.back().header.length == packets.back().payload.size());
        CHECK(packets.back().header.source_cid == host_cid);
        CHECK(packets.back().header.destination_cid == guest_cid);
    }
    give_buffers(packets.size());
    return packets;
}

Packet Fixture::received_one() {
    auto packets = received();
    REQUIRE(packets.size() == 1);
    return std::move(packets.front());
}

FileDescriptor Fixture::connect(std::uint32_t port) {
    auto client = connect_to(address_);
    write_text(client, fmt::format("CONNECT {}\n", port));
    run();
    return client;
}

FileDescriptor Fixture::establish(std::uint32_t buffer) {
    auto client = connect();
    const auto request = received_one().header;
    REQUIRE(request.op == Op::request);
    host_port = request.source_port;
    guest_port = request.destination_port;
    buffer_bytes = buffer;
    forwarded_bytes = 0;
    send(packet(Op::response));
    REQUIRE(read_text(client) == fmt::format("OK {}\n", host_port));
    return client;
}

PacketHeader Fixture::packet(Op op, std::uint32_t length) const {
    PacketHeader header;
    header.source_cid = guest_cid;
    header.destination_cid = host_cid;
    header.source_port = guest_port;
    header.destination_port = host_port;
    header.op = op;
    header.length = length;
    header.buffer_bytes = buffer_bytes;
    header.forwarded_bytes = forwarded_bytes;
    return header;
}

PacketHeader Fixture::shutdown(std::uint32_t flags) const {
    auto header = packet(Op::shutdown);
    header.flags = flags;
    return header;
}

}  // namespace nacre::vsock::test
