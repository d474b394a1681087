#include "guest-agent/network/port_connections.h"

#include <doctest/doctest.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

using namespace nacre;
using namespace nacre::agent;

namespace {

/// A listening socket on an address of loopback, at a port of the kernel's choice.
struct Listener {
    FileDescriptor socket;
    std::uint16_t port = 0;
};

Listener listen_on_ipv4() {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t length = sizeof(address);
    Listener listener{FileDescriptor(::socket(AF_INET, SOCK_STREAM, 0)), 0};
    auto* generic = reinterpret_cast<sockaddr*>(&address);
    REQUIRE(::bind(listener.socket.get(), generic, length) == 0);
    REQUIRE(::listen(listener.socket.get(), 5) == 0);
    REQUIRE(::getsockname(listener.socket.get(), generic, &length) == 0);
    listener.port = ntohs(address.sin_port);
    return listener;
}

/// No socket where the machine has no IPv6.
Listener listen_on_ipv6() {
    sockaddr_in6 address{};
    address.sin6_family = AF_INET6;
    address.sin6_addr = in6addr_loopback;
    socklen_t length = sizeof(address);
    Listener listener{FileDescriptor(::socket(AF_INET6, SOCK_STREAM, 0)), 0};
    auto* generic = reinterpret_cast<sockaddr*>(&address);
    if (!listener.socket || ::bind(listener.socket.get(), generic, length) < 0)
        return {};
    REQUIRE(::listen(listener.socket.get(), 5) == 0);
    REQUIRE(::getsockname(listener.socket.get(), generic, &length) == 0);
    listener.port = ntohs(address.sin6_port);
    return listener;
}

bool may_change_namespaces() {
    return ::geteuid() == 0;
}

}  // namespace

TEST_CASE("a port is connected to by IPv4, or by IPv6 if nobody listens there") {
    if (!may_change_namespaces())
        return;
    const auto ipv4 = listen_on_ipv4();
    CHECK(connect_to_port(::getpid(), ipv4.port));
    const auto ipv6 = listen_on_ipv6();
    if (ipv6.socket)
        CHECK(connect_to_port(::getpid(), ipv6.port));
}

TEST_CASE("a port that nobody listens at is refused") {
    if (!may_change_namespaces())
        return;
    auto closed = listen_on_ipv4();
    closed.socket.reset();
    const auto connected = connect_to_port(::getpid(), closed.port);
    REQUIRE_FALSE(connected);
    CHECK(connected.error().code == ECONNREFUSED);
}

TEST_CASE("bytes and the end of file go both ways") {
    if (!may_change_namespaces())
        return;
    const auto loop = EventLoop::create();
    REQUIRE(loop);
    const auto listener = listen_on_ipv4();
    auto port = connect_to_port(::getpid(), listener.port);
    REQUIRE(port);
    const FileDescriptor service(::accept(listener.socket.get(), nullptr, nullptr));
    int pair[2];
    REQUIRE(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair) == 0);
    const FileDescriptor host(pair[0]);
    FileDescriptor agent(pair[1]);
    REQUIRE(set_nonblocking(agent.get(), true));
    PortConnections connections(**loop);
    REQUIRE(connections.add(std::move(*port), std::move(agent), "hello "));
    std::string received;
    REQUIRE((*loop)->add(service.get(), EPOLLIN, [&](std::uint32_t) {
        char bytes[16];
        const auto count = ::read(service.get(), bytes, sizeof(bytes));
        if (count > 0)
            CHECK(::write(service.get(), "answer", 6) == 6);
        else
            ::shutdown(service.get(), SHUT_WR);
        if (count <= 0)
            (*loop)->remove(service.get());
    }));
    REQUIRE((*loop)->add(host.get(), EPOLLIN, [&](std::uint32_t) {
        char bytes[16];
        const auto count = ::read(host.get(), bytes, sizeof(bytes));
        received.append(bytes, count > 0 ? static_cast<std::size_t>(count) : 0);
        if (received == "hello answer")
            ::shutdown(host.get(), SHUT_WR);
        if (count <= 0)
            (*loop)->stop();
    }));
    REQUIRE(::write(host.get(), "ask", 3) == 3);
    REQUIRE((*loop)->run());
    CHECK(received == "hello answer");
}
