#include "vmm/control/server.h"

#include <sys/socket.h>

#include "vmm/control/packet.h"

namespace nacre::control {

namespace {

Reply failed(const Error& error) {
    return Failed{static_cast<std::uint32_t>(error.code), error.message};
}

Reply answer(const Server::Handler& handler, Packet packet) {
    auto message = decode_request(packet.text);
    if (!message)
        return failed(message.error());
    return handler({std::move(*message), std::move(packet.descriptors)});
}

}  // namespace

Result<std::unique_ptr<Server>> Server::create(EventLoop& loop, FileDescriptor listener, Handler handler) {
    std::unique_ptr<Server> server(new Server(loop, std::move(listener), std::move(handler)));
    NACRE_TRY(loop.add(server->listener_.get(), EPOLLIN,
                       [server = server.get()](std::uint32_t) { server->accept_connection(); }));
    return server;
}

Server::~Server() {
    for (const auto& [fd, connection] : connections_)
        loop_.remove(fd);
    loop_.remove(listener_.get());
}

Result<void> Server::watch_listener() {
    return loop_.modify(listener_.get(), connections_.size() < max_connections ? EPOLLIN : 0U);
}

void Server::accept_connection() {
    FileDescriptor connection(::accept4(listener_.get(), nullptr, nullptr, SOCK_CLOEXEC | SOCK_NONBLOCK));
    if (!connection)
        return;
    const int fd = connection.get();
    if (!loop_.add(fd, EPOLLIN, [this, fd](std::uint32_t) { serve(fd); }))
        return;
    connections_.emplace(fd, std::move(connection));
    (void)watch_listener();
}

void Server::serve(int fd) {
    auto packet = receive_packet(fd, MSG_DONTWAIT);
    if (!packet && packet.error().code == EAGAIN)
        return;
    const auto replied = packet
                             ? send_packet(fd, encode(answer(handler_, std::move(*packet))), {}, MSG_DONTWAIT)
                             : Result<void>(tl::unexpected(packet.error()));
    if (!replied)
        drop(fd);
}

void Server::drop(int fd) {
    loop_.remove(fd);
    connections_.erase(fd);
    (void)watch_listener();
}

}  // namespace nacre::control
