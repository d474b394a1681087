#include "guest-agent/control_connection.h"

#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <utility>

namespace nacre::agent {

namespace {

/// One answer of any size and some events; a peer that lets more pile up does not read.
constexpr std::size_t max_unsent_bytes = protocol::max_frame_bytes + 256 * 1024;

}  // namespace

Result<std::shared_ptr<ControlConnection>> ControlConnection::open(EventLoop& loop, FileDescriptor socket,
                                                                   Handler handler) {
    NACRE_TRY(set_nonblocking(socket.get(), true));
    std::shared_ptr<ControlConnection> connection(
        new ControlConnection(loop, std::move(socket), std::move(handler)));
    NACRE_TRY(loop.add(connection->socket_.get(), EPOLLIN | EPOLLRDHUP,
                       [raw = connection.get()](std::uint32_t events) { raw->on_event(events); }));
    return connection;
}

ControlConnection::ControlConnection(EventLoop& loop, FileDescriptor socket, Handler handler)
    : loop_(loop), socket_(std::move(socket)), handler_(std::move(handler)) {}

ControlConnection::~ControlConnection() {
    if (socket_)
        loop_.remove(socket_.get());
}

void ControlConnection::on_event(std::uint32_t events) {
    // A handler may drop the last reference from elsewhere.
    const auto self = shared_from_this();
    if ((events & EPOLLOUT) != 0)
        flush();
    // The end of the peer counts at once while a request is being handled: it owns what is being made.
    const bool gone = (events & (EPOLLHUP | EPOLLERR)) != 0 || (busy_ && (events & EPOLLRDHUP) != 0);
    if (gone)
        close();
    else if ((events & (EPOLLIN | EPOLLRDHUP)) != 0)
        receive();
}

void ControlConnection::receive() {
    while (is_open() && !busy_) {
        if (auto payload = reader_.next()) {
            auto message = protocol::decode(*payload);
            if (!message) {
                close();
                return;
            }
            busy_ = true;
            update_interest();
            handler_(*this, std::move(*message));
        } else if (!read_some()) {
            return;
        }
    }
}

/// Reads no more than the frame needs: after an attach request raw bytes follow. False: nothing there now.
bool ControlConnection::read_some() {
    std::array<std::byte, 16384> buffer;
    const auto wanted = std::min(reader_.wanted(), buffer.size());
    const auto count = ::recv(socket_.get(), buffer.data(), wanted, MSG_DONTWAIT);
    if (count < 0 && (errno == EAGAIN || errno == EINTR))
        return false;
    if (count <= 0 || !reader_.add(std::span(buffer).first(static_cast<std::size_t>(count)))) {
        close();
        return false;
    }
    return true;
}

void ControlConnection::answer(const protocol::Message& message) {
    busy_ = false;
    send(message);
    if (is_open()) {
        update_interest();
        // A request that waits in the reader does not make the socket readable.
        loop_.post([weak = weak_from_this()] {
            if (const auto self = weak.lock())
                self->receive();
        });
    }
}

void ControlConnection::send(const protocol::Message& message) {
    if (!is_open())
        return;
    const auto bytes = protocol::frame(protocol::encode(message));
    if (!bytes || unsent_.size() + bytes->size() > max_unsent_bytes) {
        close();
        return;
    }
    unsent_ += *bytes;
    flush();
}

void ControlConnection::flush() {
    const auto count = ::send(socket_.get(), unsent_.data(), unsent_.size(), MSG_NOSIGNAL | MSG_DONTWAIT);
    if (count > 0)
        unsent_.erase(0, static_cast<std::size_t>(count));
    if (count < 0 && errno != EAGAIN && errno != EINTR)
        close();
    else
        update_interest();
}

void ControlConnection::update_interest() {
    std::uint32_t events = EPOLLRDHUP;
    if (!busy_)
        events |= EPOLLIN;
    if (!unsent_.empty())
        events |= EPOLLOUT;
    (void)loop_.modify(socket_.get(), events);
}

FileDescriptor ControlConnection::release() {
    loop_.remove(socket_.get());
    on_closed_.clear();
    return std::move(socket_);
}

void ControlConnection::close() {
    if (!is_open())
        return;
    loop_.remove(socket_.get());
    socket_.reset();
    for (const auto& function : std::exchange(on_closed_, {}))
        function();
}

}  // namespace nacre::agent
