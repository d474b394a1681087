#include "vmm/devices/vsock/stream.h"

#include <fmt/format.h>
#include <sys/socket.h>

#include <algorithm>
#include <cerrno>

#include "vmm/devices/virtio/iovecs.h"

namespace nacre::vsock {

namespace {

// Edge-triggered, because a level would be reported for ever while the guest takes nothing; EPOLLOUT only
// while something waits to be written, because otherwise every read of the host would wake us.
constexpr std::uint32_t reading_events = EPOLLIN | EPOLLRDHUP | EPOLLET;
constexpr std::uint32_t writing_events = reading_events | EPOLLOUT;

}  // namespace

Result<std::unique_ptr<Stream>> Stream::create(EventLoop& loop, const Connection& connection,
                                               FileDescriptor socket, EventLoop::Handler on_events) {
    NACRE_TRY(loop.add(socket.get(), reading_events, std::move(on_events)));
    return std::unique_ptr<Stream>(new Stream(loop, connection, std::move(socket)));
}

Stream::Stream(EventLoop& loop, const Connection& connection, FileDescriptor socket)
    : loop_(loop), connection_(connection), socket_(std::move(socket)) {}

Stream::~Stream() {
    close_socket();
}

void Stream::handle_events(std::uint32_t events) {
    readable_ = true;
    if ((events & (EPOLLHUP | EPOLLERR)) != 0)
        host_gone();
    else if ((events & EPOLLOUT) != 0)
        flush();
    advance();
}

void Stream::receive(const PacketHeader& packet, std::span<const iovec> payload) {
    switch (connection_.receive(packet)) {
        case Connection::Effect::opened:
            opened();
            break;
        case Connection::Effect::payload:
            deliver(payload);
            break;
        case Connection::Effect::violation:
            close_socket();
            break;
        case Connection::Effect::refused:
        case Connection::Effect::none:
            break;
    }
    advance();
}

/// Answers the host's CONNECT line.
void Stream::opened() {
    auto line = fmt::format("OK {}\n", connection_.host_port());
    const iovec piece{line.data(), line.size()};
    // Nothing was written before, so the socket has room for a line or the host is gone.
    if (write({&piece, 1}) != line.size())
        abort();
}

void Stream::deliver(std::span<const iovec> payload) {
    const std::size_t written = unread_.empty() ? write(payload) : 0;
    connection_.forward(static_cast<std::uint32_t>(written));
    if (connection_.host_is_done_receiving() || written == virtio::total_bytes(payload))
        return;
    if (!unread_.append(payload, written))
        return abort();  // no memory: its credit keeps the guest from overfilling the ring
    watch_writable(true);
}

void Stream::flush() {
    while (!unread_.empty()) {
        const auto content = unread_.content();
        const std::size_t written = write(content);
        if (written == 0)
            return;
        unread_.consume(written);
        connection_.forward(static_cast<std::uint32_t>(written));
    }
    watch_writable(false);
}

/// Writes what the socket takes now; returns bytes written.
std::size_t Stream::write(std::span<const iovec> data) {
    msghdr message{};
    message.msg_iov = const_cast<iovec*>(data.data());  // sendmsg(2) does not change it
    message.msg_iovlen = data.size();
    const ssize_t written = ::sendmsg(socket_.get(), &message, MSG_DONTWAIT | MSG_NOSIGNAL);
    if (written >= 0)
        return static_cast<std::size_t>(written);
    if (errno != EAGAIN)
        host_gone();
    return 0;
}

bool Stream::wants_to_send() const {
    return connection_.has_control() || (socket_ && readable_ && connection_.sendable() > 0);
}

Result<void> Stream::send(RxBuffers& buffers, std::size_t limit, Clock::time_point now,
                          const Timeouts& timeouts) {
    if (connection_.has_control()) {
        NACRE_TRY(buffers.send(connection_.take_control(now, timeouts)));
    } else if (wants_to_send()) {
        limit = std::min<std::size_t>(limit, connection_.sendable());
        NACRE_ASSIGN(const auto transfer,
                     buffers.send_from(socket_.get(), limit, connection_.payload_header()));
        if (transfer.bytes > 0)
            connection_.sent(static_cast<std::uint32_t>(transfer.bytes));
        else
            read_failed(transfer.error);
    }
    advance();
    return {};
}

void Stream::read_failed(int error) {
    if (error == EAGAIN)
        readable_ = false;
    else
        connection_.host_done_sending();  // end of file, or ECONNRESET of a host that left data unread
}

void Stream::expire(Clock::time_point now) {
    connection_.expire(now);
    advance();
}

/// The host reads no more. It may still have written something that the guest has not got.
void Stream::host_gone() {
    unread_.clear();
    connection_.host_done_receiving();
}

void Stream::abort() {
    connection_.close();
    close_socket();
}

/// Draws the conclusions from what either side has ended.
void Stream::advance() {
    if (connection_.host_is_done_receiving() && !connection_.was_opened())
        return abort();  // the host did not wait for the guest's answer
    const bool all_forwarded = unread_.empty();
    if (connection_.guest_done() && all_forwarded)
        connection_.close();  // the RST that the guest's SHUTDOWN waits for (Virtio 1.2, 5.10.6.5)
    if (connection_.guest_done_receiving() && connection_.host_is_done_receiving())
        connection_.host_done_sending();  // what the host may have written has nowhere to go
    if (connection_.guest_done_sending() && connection_.host_is_done_sending() && all_forwarded)
        connection_.host_done_receiving();
    if ((connection_.closed() && all_forwarded) || connection_.host_is_done())
        close_socket();
    tell_host();
}

/// Passes the guest's half-closes on to the socket.
void Stream::tell_host() {
    if (!socket_)
        return;
    if (connection_.guest_done_sending() && unread_.empty() && (host_told_ & shutdown_send) == 0) {
        ::shutdown(socket_.get(), SHUT_WR);
        host_told_ |= shutdown_send;
    }
    if (connection_.guest_done_receiving() && (host_told_ & shutdown_receive) == 0) {
        ::shutdown(socket_.get(), SHUT_RD);
        host_told_ |= shutdown_receive;
    }
}

void Stream::watch_writable(bool wanted) {
    if (wanted == watching_writable_ || !socket_)
        return;
    // The kernel reports the new set at once if it holds already, so no edge is lost.
    if (loop_.modify(socket_.get(), wanted ? writing_events : reading_events))
        watching_writable_ = wanted;
    else
        abort();
}

void Stream::close_socket() {
    unread_.clear();
    if (!socket_)
        return;
    loop_.remove(socket_.get());
    socket_.reset();
}

}  // namespace nacre::vsock
