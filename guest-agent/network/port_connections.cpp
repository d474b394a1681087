#include "guest-agent/network/port_connections.h"

#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>

#include <cerrno>

#include "guest-agent/network/container_namespace.h"

namespace nacre::agent {

namespace {

/// The errno with which a connection attempt that does not block has failed by now; 0: it has not. On the
/// loopback interface the answer is there when connect(2) returns, though that says EINPROGRESS; only a
/// listener with a full queue gives none yet, and then the pump waits for it.
int error_of(int socket) {
    pollfd entry{socket, POLLOUT, 0};
    if (::poll(&entry, 1, 0) <= 0)
        return 0;
    int error = 0;
    socklen_t length = sizeof(error);
    return ::getsockopt(socket, SOL_SOCKET, SO_ERROR, &error, &length) < 0 ? errno : error;
}

Result<FileDescriptor> connect_to(const sockaddr* address, socklen_t length, std::uint16_t port) {
    FileDescriptor socket(::socket(address->sa_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
    if (!socket || (::connect(socket.get(), address, length) < 0 && errno != EINPROGRESS))
        return fail_errno("connect to port {} of the container", port);
    if (const int error = error_of(socket.get()); error != 0)
        return fail_with(error, "connect to port {} of the container", port);
    return socket;
}

Result<FileDescriptor> connect_to_loopback(std::uint16_t port) {
    sockaddr_in ipv4{};
    ipv4.sin_family = AF_INET;
    ipv4.sin_port = htons(port);
    ipv4.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    auto connected = connect_to(reinterpret_cast<const sockaddr*>(&ipv4), sizeof(ipv4), port);
    if (connected)
        return connected;
    sockaddr_in6 ipv6{};
    ipv6.sin6_family = AF_INET6;
    ipv6.sin6_port = htons(port);
    ipv6.sin6_addr = in6addr_loopback;
    auto other = connect_to(reinterpret_cast<const sockaddr*>(&ipv6), sizeof(ipv6), port);
    return other ? std::move(other) : std::move(connected);
}

}  // namespace

Result<FileDescriptor> connect_to_port(pid_t process, std::uint16_t port) {
    NACRE_ASSIGN(const auto own, open_network_namespace("self"));
    NACRE_ASSIGN(const auto target, open_network_namespace(std::to_string(process)));
    return in_network_namespace(target.get(), own.get(), [port] { return connect_to_loopback(port); });
}

bool PortConnections::has_room() const {
    constexpr std::size_t most = 256;
    return connections_.size() < most;
}

Result<void> PortConnections::add(FileDescriptor port, FileDescriptor host, const std::string& greeting) {
    NACRE_TRY(write_all(host.get(), greeting));
    const auto number = next_++;
    auto& connection = connections_[number];
    connection.port = std::move(port);
    connection.host = std::move(host);
    auto to_port = start(number, connection.host, connection.port);
    auto to_host =
        to_port ? start(number, connection.port, connection.host) : tl::unexpected(to_port.error());
    if (!to_host) {
        connections_.erase(number);
        return tl::unexpected(to_host.error());
    }
    connection.to_port = std::move(*to_port);
    connection.to_host = std::move(*to_host);
    return {};
}

/// Each pump has descriptors of its own: the loop watches a descriptor once.
Result<std::unique_ptr<Pump>> PortConnections::start(std::uint64_t number, const FileDescriptor& from,
                                                     const FileDescriptor& to) {
    NACRE_ASSIGN(auto source, from.duplicate());
    NACRE_ASSIGN(auto sink, to.duplicate());
    return Pump::start(
        loop_, std::move(source), std::move(sink), Pump::Method::copy,
        [this, number, sink_fd = to.get()](Pump::End end) { on_end(number, sink_fd, end); },
        Pump::SinkEnd::closed);
}

/// End of file is passed on, and the other direction goes on; a side that takes nothing more ends both.
void PortConnections::on_end(std::uint64_t number, int sink, Pump::End end) {
    auto& connection = connections_.at(number);
    ::shutdown(sink, SHUT_WR);
    if (--connection.open_directions == 0 || end == Pump::End::sink_closed)
        connections_.erase(number);
}

}  // namespace nacre::agent
