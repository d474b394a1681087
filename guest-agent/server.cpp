#include "guest-agent/server.h"

#include <sys/socket.h>

#include <algorithm>

namespace nacre::agent {

namespace {

/// Bounds what peers can make the agent hold; more wait in the listener's backlog or are refused by it.
constexpr std::size_t max_connections = 1024;

}  // namespace

Result<std::unique_ptr<Server>> Server::start(EventLoop& loop, FileDescriptor listener, Admission admits,
                                              ControlConnection::Handler handler) {
    std::unique_ptr<Server> server(
        new Server(loop, std::move(listener), std::move(admits), std::move(handler)));
    NACRE_TRY(loop.add(server->listener_.get(), EPOLLIN,
                       [raw = server.get()](std::uint32_t) { raw->accept_one(); }));
    return server;
}

Server::Server(EventLoop& loop, FileDescriptor listener, Admission admits, ControlConnection::Handler handler)
    : loop_(loop), listener_(std::move(listener)), admits_(std::move(admits)), handler_(std::move(handler)) {}

Server::~Server() {
    loop_.remove(listener_.get());
}

void Server::accept_one() {
    FileDescriptor socket(::accept4(listener_.get(), nullptr, nullptr, SOCK_CLOEXEC | SOCK_NONBLOCK));
    if (!socket || connections_.size() >= max_connections || !admits_(socket.get()))
        return;
    (void)adopt(std::move(socket));
}

Result<void> Server::adopt(FileDescriptor socket) {
    NACRE_ASSIGN(const auto connection, ControlConnection::open(loop_, std::move(socket), handler_));
    connections_.insert(connection);
    // Later: the connection may be closing from inside one of its own functions.
    connection->when_closed([this, raw = connection.get()] {
        loop_.post([this, held = raw->shared_from_this()] { connections_.erase(held); });
    });
    return {};
}

void Server::forget(const ControlConnection& connection) {
    std::erase_if(connections_, [&](const auto& held) { return held.get() == &connection; });
}

}  // namespace nacre::agent
