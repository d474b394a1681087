#include "vmm/devices/vsock/connection.h"

namespace nacre::vsock {

Connection::Connection(Phase phase, std::uint64_t guest_cid, std::uint32_t host_port,
                       std::uint32_t guest_port)
    : phase_(phase), guest_cid_(guest_cid), host_port_(host_port), guest_port_(guest_port) {}

Connection Connection::to_guest(std::uint64_t guest_cid, std::uint32_t host_port, std::uint32_t guest_port) {
    return {Phase::request_pending, guest_cid, host_port, guest_port};
}

Connection Connection::from_guest(const PacketHeader& request) {
    Connection connection(Phase::response_pending, request.source_cid, request.destination_port,
                          request.source_port);
    connection.credit_.guest_buffer = request.buffer_bytes;
    // Nothing has been sent, so the guest can have passed nothing on: its fwd_cnt counts from 0 whatever it
    // says here.
    return connection;
}

Connection::Effect Connection::receive(const PacketHeader& packet) {
    if (closed())
        return Effect::none;
    if (packet.op == Op::rst) {
        phase_ = Phase::closed;
        reset_owed_ = false;
        guest_shutdown_ = shutdown_both;
        deadline_.reset();
        return Effect::refused;
    }
    switch (phase_) {
        case Phase::requested:
            if (packet.op != Op::response || !update_guest_credit(packet))
                return violation();
            open();
            return Effect::opened;
        case Phase::established:
        case Phase::closing:
            return update_guest_credit(packet) ? receive_established(packet) : violation();
        default:
            // Before our REQUEST or RESPONSE the guest has nothing to say on this connection.
            return violation();
    }
}

void Connection::open() {
    phase_ = Phase::established;
    opened_ = true;
    deadline_.reset();
}

Connection::Effect Connection::receive_established(const PacketHeader& packet) {
    switch (packet.op) {
        case Op::rw:
            return receive_payload(packet.length);
        case Op::shutdown:
            // Sticky, and unknown flags mean nothing (Virtio 1.2, 5.10.6.5).
            guest_shutdown_ |= packet.flags & shutdown_both;
            return Effect::none;
        case Op::credit_update:
            return Effect::none;
        case Op::credit_request:
            credit_requested_ = true;
            return Effect::none;
        default:
            return violation();
    }
}

Connection::Effect Connection::receive_payload(std::uint32_t length) {
    // Room by what the guest was told, not by what has been passed on since: it cannot know of more, and
    // unforwarded() stays within receive_buffer_bytes either way.
    const std::uint32_t outstanding = credit_.received - credit_.announced;
    if (guest_done_sending() || length > receive_buffer_bytes - outstanding)
        return violation();
    credit_.received += length;
    if (!host_is_done_receiving())
        return Effect::payload;
    forward(length);  // It crossed our SHUTDOWN: legal, and wanted by nobody.
    return Effect::none;
}

Connection::Effect Connection::violation() {
    close();
    guest_shutdown_ = shutdown_both;
    return Effect::violation;
}

/// False if the guest claims to have passed on more than it was sent. Linux builds headers outside the lock
/// that orders its packets, so an older fwd_cnt may follow a newer one: it is not taken over.
bool Connection::update_guest_credit(const PacketHeader& packet) {
    credit_.guest_buffer = packet.buffer_bytes;
    const std::uint32_t in_flight = credit_.sent - credit_.guest_forwarded;
    const std::uint32_t progress = packet.forwarded_bytes - credit_.guest_forwarded;
    if (progress <= in_flight)
        credit_.guest_forwarded = packet.forwarded_bytes;
    constexpr std::uint32_t half_range = 1U << 31;
    return progress <= in_flight || progress >= half_range;
}

void Connection::host_done_sending() {
    host_shutdown_ |= shutdown_send;
}

void Connection::host_done_receiving() {
    host_shutdown_ |= shutdown_receive;
    forward(unforwarded());
}

void Connection::close() {
    if (closed())
        return;
    reset_owed_ = phase_ != Phase::request_pending;
    phase_ = Phase::closed;
    deadline_.reset();
}

std::uint32_t Connection::sendable() const {
    if (phase_ != Phase::established || guest_done_receiving() || host_is_done_sending())
        return 0;
    const std::uint32_t in_flight = credit_.sent - credit_.guest_forwarded;
    return in_flight < credit_.guest_buffer ? credit_.guest_buffer - in_flight : 0;
}

bool Connection::credit_update_due() const {
    if (guest_done_sending() || host_is_done_receiving())
        return false;
    return credit_requested_ || credit_.forwarded - credit_.announced >= credit_update_bytes;
}

Op Connection::next_control() const {
    switch (phase_) {
        case Phase::request_pending:
            return Op::request;
        case Phase::response_pending:
            return Op::response;
        case Phase::established:
            if (credit_update_due())
                return Op::credit_update;
            return (host_shutdown_ & ~host_announced_) != 0 ? Op::shutdown : Op::invalid;
        case Phase::closed:
            return reset_owed_ ? Op::rst : Op::invalid;
        default:
            return Op::invalid;
    }
}

PacketHeader Connection::take_control(Clock::time_point now, const Timeouts& timeouts) {
    const Op op = next_control();
    PacketHeader packet = header(op);
    credit_announced();
    if (op == Op::request) {
        phase_ = Phase::requested;
        deadline_ = now + timeouts.handshake;
    } else if (op == Op::response) {
        open();
    } else if (op == Op::rst) {
        reset_owed_ = false;
    } else if (op == Op::shutdown) {
        packet.flags = host_announced_ = host_shutdown_;
        if (host_shutdown_ == shutdown_both) {
            phase_ = Phase::closing;
            deadline_ = now + timeouts.close;
        }
    }
    return packet;
}

void Connection::sent(std::uint32_t bytes) {
    credit_.sent += bytes;
    credit_announced();
}

void Connection::credit_announced() {
    credit_.announced = credit_.forwarded;
    credit_requested_ = false;
}

PacketHeader Connection::header(Op op) const {
    PacketHeader packet;
    packet.source_cid = host_cid;
    packet.destination_cid = guest_cid_;
    packet.source_port = host_port_;
    packet.destination_port = guest_port_;
    packet.op = op;
    packet.buffer_bytes = receive_buffer_bytes;
    packet.forwarded_bytes = credit_.forwarded;
    return packet;
}

void Connection::expire(Clock::time_point now) {
    if (deadline_ && *deadline_ <= now)
        close();
}

}  // namespace nacre::vsock
