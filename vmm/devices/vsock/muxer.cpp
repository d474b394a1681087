#include "vmm/devices/vsock/muxer.h"

#include <linux/vm_sockets.h>

#include <algorithm>

namespace nacre::vsock {

namespace {

/// Host ports of connections that the host asked for; above all that a guest would take for a service.
constexpr std::uint32_t first_free_port = 1U << 30;

/// What one connection may send before it is the next one's turn.
constexpr std::size_t turn_bytes = 64 * 1024;

/// Turns before the thread looks at its other events.
constexpr unsigned turns_a_call = 32;

}  // namespace

Result<std::unique_ptr<Muxer>> Muxer::create(EventLoop& loop, Options options) {
    std::unique_ptr<Muxer> muxer(new Muxer(loop, std::move(options)));
    NACRE_ASSIGN(muxer->timer_, Timer::create(loop, [raw = muxer.get()] { raw->expire(); }));
    return muxer;
}

Muxer::Muxer(EventLoop& loop, Options options)
    : loop_(loop), options_(std::move(options)), next_host_port_(first_free_port) {}

void Muxer::offer(std::uint32_t host_port, FileDescriptor socket) {
    offers_.insert_or_assign(host_port, std::move(socket));
}

void Muxer::connect(FileDescriptor socket, std::uint32_t guest_port) {
    if (room() == 0)
        return;
    const auto host_port = free_host_port();
    if (!add(Connection::to_guest(options_.guest_cid, host_port, guest_port), std::move(socket)))
        return;
    options_.on_work();
}

std::uint32_t Muxer::free_host_port() {
    // max_connections is far below the number of ports, so this ends.
    while (streams_.contains(next_host_port_) || offers_.contains(next_host_port_) ||
           next_host_port_ < first_free_port || next_host_port_ == VMADDR_PORT_ANY)
        ++next_host_port_;
    return next_host_port_++;
}

Result<void> Muxer::add(const Connection& connection, FileDescriptor socket) {
    const auto port = connection.host_port();
    NACRE_ASSIGN(auto stream,
                 Stream::create(loop_, connection, std::move(socket),
                                [this, port](std::uint32_t events) { socket_ready(port, events); }));
    streams_[port].stream = std::move(stream);
    settle(port);
    return {};
}

void Muxer::socket_ready(std::uint32_t host_port, std::uint32_t events) {
    streams_.at(host_port).stream->handle_events(events);
    settle(host_port);
    options_.on_work();
}

void Muxer::receive(const PacketHeader& packet, std::span<const iovec> payload) {
    if (packet.source_cid != options_.guest_cid || packet.destination_cid != host_cid)
        return;  // forged or not for us: nobody to answer to
    if (packet.type != stream_type)
        return refuse(packet);
    const auto found = streams_.find(packet.destination_port);
    if (found != streams_.end() && found->second.stream->connection().guest_port() == packet.source_port) {
        found->second.stream->receive(packet, payload);
        settle(packet.destination_port);
    } else if (packet.op == Op::request) {
        accept(packet);
    } else {
        refuse(packet);
    }
}

void Muxer::accept(const PacketHeader& request) {
    const auto offer = offers_.find(request.destination_port);
    if (offer == offers_.end() || streams_.contains(request.destination_port) || room() == 0)
        return refuse(request);
    auto socket = std::move(offer->second);
    offers_.erase(offer);
    if (!add(Connection::from_guest(request), std::move(socket)))
        return refuse(request);
    if (options_.on_guest_connect)
        options_.on_guest_connect(request.destination_port);
}

/// Owes RST for a connection that does not exist; never for a RST, so that two sides cannot go on for ever.
void Muxer::refuse(const PacketHeader& packet) {
    if (packet.op != Op::rst && resets_.size() < max_resets)
        resets_.push_back(reset_reply(packet));
}

Result<bool> Muxer::send(RxBuffers& buffers) {
    for (unsigned turn = 0; turn < turns_a_call; ++turn) {
        if (resets_.empty() && ready_.empty())
            return false;
        NACRE_ASSIGN(const bool available, buffers.available());
        if (!available)
            return false;
        NACRE_TRY(send_one(buffers));
    }
    return !resets_.empty() || !ready_.empty();
}

Result<void> Muxer::send_one(RxBuffers& buffers) {
    if (!resets_.empty()) {
        NACRE_TRY(buffers.send(resets_.front()));
        resets_.pop_front();
        return {};
    }
    const auto port = ready_.front();
    ready_.pop_front();
    Entry& entry = streams_.at(port);
    entry.queued = false;
    NACRE_TRY(entry.stream->send(buffers, turn_bytes, Clock::now(), options_.timeouts));
    if (const auto deadline = entry.stream->connection().deadline())
        timer_->arm(*deadline);
    settle(port);
    return {};
}

/// Puts a connection where its state says: into the queue, or out of the table.
void Muxer::settle(std::uint32_t host_port) {
    const auto found = streams_.find(host_port);
    Entry& entry = found->second;
    if (entry.stream->finished()) {
        if (entry.queued)
            std::erase(ready_, host_port);
        streams_.erase(found);
    } else if (!entry.queued && entry.stream->wants_to_send()) {
        entry.queued = true;
        ready_.push_back(host_port);
    }
}

void Muxer::expire() {
    const auto now = Clock::now();
    std::vector<std::uint32_t> expired;
    for (auto& [port, entry] : streams_) {
        entry.stream->expire(now);
        if (const auto deadline = entry.stream->connection().deadline())
            timer_->arm(*deadline);
        else
            expired.push_back(port);
    }
    for (const auto port : expired)
        settle(port);
    options_.on_work();
}

void Muxer::guest_reset() {
    resets_.clear();
    std::erase_if(streams_, [](const auto& item) {
        return item.second.stream->connection().phase() != Connection::Phase::request_pending;
    });
    std::erase_if(ready_, [this](std::uint32_t port) { return !streams_.contains(port); });
}

}  // namespace nacre::vsock
