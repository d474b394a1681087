#include "runtime/network/port_forwarder.h"

#include <netinet/in.h>
#include <sys/socket.h>

#include <array>
#include <memory>
#include <semaphore>
#include <span>

#include "runtime/network/loopback_listener.h"
#include "runtime/vm/agent_connection.h"
#include "vmm/base/thread.h"

namespace nacre::runtime {

namespace {

constexpr int connect_timeout_ms = 30'000;
constexpr std::ptrdiff_t max_connections = 128;
constexpr std::size_t stack_bytes = 128 << 10;

/// Of either family, both have it at the same place.
std::uint16_t own_port(int socket) {
    sockaddr_in6 address{};
    socklen_t length = sizeof(address);
    if (::getsockname(socket, reinterpret_cast<sockaddr*>(&address), &length) < 0)
        return 0;
    return ntohs(address.sin6_port);
}

Result<FileDescriptor> connect_to_guest(const std::string& vm_directory, const std::string& container,
                                        std::uint16_t port) {
    NACRE_ASSIGN(auto connection,
                 AgentConnection::connect(vm_directory, protocol::stream_port, connect_timeout_ms));
    NACRE_TRY(connection.call(protocol::ConnectPort{container, port}, connect_timeout_ms));
    return connection.release();
}

bool send_all(int socket, std::span<const std::byte> data) {
    while (!data.empty()) {
        const auto sent = ::send(socket, data.data(), data.size(), MSG_NOSIGNAL);
        if (sent < 0 && errno != EINTR)
            return false;
        data = data.subspan(sent < 0 ? 0 : static_cast<std::size_t>(sent));
    }
    return true;
}

/// Until the end of one direction, which is passed on.
void copy(int from, int to) {
    std::array<std::byte, 16384> buffer;
    for (;;) {
        const auto count = ::recv(from, buffer.data(), buffer.size(), 0);
        if (count < 0 && errno == EINTR)
            continue;
        if (count <= 0 || !send_all(to, std::span(buffer).first(static_cast<std::size_t>(count))))
            break;
    }
    ::shutdown(to, SHUT_WR);
    ::shutdown(from, SHUT_RD);
}

void reset(FileDescriptor connection) {
    const linger at_once{1, 0};
    (void)::setsockopt(connection.get(), SOL_SOCKET, SO_LINGER, &at_once, sizeof(at_once));
}

void serve(const std::string& vm_directory, const std::string& container, FileDescriptor connection) {
    const auto guest = connect_to_guest(vm_directory, container, own_port(connection.get()));
    if (!guest)
        return reset(std::move(connection));
    const auto back = Thread::start("port-back", stack_bytes, [&] { copy(guest->get(), connection.get()); });
    if (!back)
        return reset(std::move(connection));
    copy(connection.get(), guest->get());
}

using Places = std::counting_semaphore<max_connections>;

/// In a thread of its own; without one, for want of tasks, the connection is reset.
void serve_aside(const std::string& vm_directory, const std::string& container,
                 const std::shared_ptr<Places>& places, FileDescriptor connection) {
    // What a thread that could not be started was given is gone with it.
    const auto taken = std::make_shared<FileDescriptor>(std::move(connection));
    auto serving = Thread::start("port", stack_bytes, [=] {
        serve(vm_directory, container, std::move(*taken));
        places->release();
    });
    if (serving)
        return serving->detach();
    reset(std::move(*taken));
    places->release();
}

void accept_all(const LoopbackListener& listener, const std::string& vm_directory,
                const std::string& container) {
    const auto places = std::make_shared<Places>(max_connections);
    for (;;) {
        places->acquire();
        auto connection = listener.accept();
        if (!connection)
            return;
        serve_aside(vm_directory, container, places, std::move(*connection));
    }
}

}  // namespace

Result<void> forward_ports(const std::string& vm_directory, const std::string& container) {
    NACRE_ASSIGN(auto listener, LoopbackListener::create());
    NACRE_ASSIGN(auto accepting, Thread::start("ports", stack_bytes,
                                               [listener = std::move(listener), vm_directory, container] {
                                                   accept_all(listener, vm_directory, container);
                                               }));
    accepting.detach();
    return {};
}

}  // namespace nacre::runtime
