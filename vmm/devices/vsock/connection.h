#pragma once

#include <chrono>
#include <cstdint>
#include <optional>

#include "vmm/devices/vsock/packet.h"

namespace nacre::vsock {

using Clock = std::chrono::steady_clock;

/// What one connection promises to hold for a host that does not read: the guest may have this much sent and
/// not yet passed on to the host's socket.
inline constexpr std::uint32_t receive_buffer_bytes = 128 * 1024;

/// Told to the guest once this much more has been passed on, so that it goes on sending before its credit
/// is used up.
inline constexpr std::uint32_t credit_update_bytes = receive_buffer_bytes / 4;

/// How long the guest may take to answer.
struct Timeouts {
    Clock::duration handshake = std::chrono::seconds(10);  // RESPONSE or RST to a REQUEST
    Clock::duration close = std::chrono::seconds(8);       // RST to a SHUTDOWN; Linux guests wait as long
};

/// Byte counters of one connection, modulo 2^32 (Virtio 1.2, 5.10.6.3).
struct Credit {
    std::uint32_t guest_buffer = 0;     // the guest's buf_alloc
    std::uint32_t guest_forwarded = 0;  // the guest's fwd_cnt
    std::uint32_t sent = 0;             // host → guest payload
    std::uint32_t received = 0;         // guest → host payload
    std::uint32_t forwarded = 0;        // thereof passed on to the host: our fwd_cnt
    std::uint32_t announced = 0;        // the last fwd_cnt that the guest was told
};

/// The protocol of one stream connection: what the packets of the guest and the doings of the host mean for
/// it, and which packets the guest is owed. Owns no descriptor and no queue, reads no clock, allocates
/// nothing. Any sequence of packets is survived; one that breaks the protocol closes the connection with
/// RST.
class Connection {
  public:
    enum class Phase {
        request_pending,   // host-initiated; REQUEST not sent yet
        requested,         // REQUEST sent, the guest has not answered
        response_pending,  // guest-initiated; RESPONSE not sent yet
        established,
        closing,  // SHUTDOWN of both directions sent; waits for RST
        closed,   // at most a RST is owed to the guest
    };

    /// What the owner has to do about a packet.
    enum class Effect {
        none,
        opened,     // the guest accepted: tell the host
        payload,    // pass the payload on, in order after what came before
        refused,    // the guest closed it with RST; what it sent before still counts
        violation,  // the guest broke the protocol; RST is owed, all else is void
    };

    /// A connection that the host asks for.
    static Connection to_guest(std::uint64_t guest_cid, std::uint32_t host_port, std::uint32_t guest_port);

    /// A connection that the guest asked for with `request`; it is accepted.
    static Connection from_guest(const PacketHeader& request);

    Phase phase() const { return phase_; }
    bool closed() const { return phase_ == Phase::closed; }

    /// Whether both sides have agreed to it (it may be closed by now).
    bool was_opened() const { return opened_; }
    std::uint32_t host_port() const { return host_port_; }
    std::uint32_t guest_port() const { return guest_port_; }
    const Credit& credit() const { return credit_; }

    /// Takes a packet whose addresses name this connection; the payload of Op::rw is all there.
    Effect receive(const PacketHeader& packet);

    /// Whether the guest will send no more, resp. take no more.
    bool guest_done() const { return guest_shutdown_ == shutdown_both; }
    bool guest_done_sending() const { return (guest_shutdown_ & shutdown_send) != 0; }
    bool guest_done_receiving() const { return (guest_shutdown_ & shutdown_receive) != 0; }

    /// `bytes` of received payload have reached the host (or will never be wanted): credit for the guest.
    void forward(std::uint32_t bytes) { credit_.forwarded += bytes; }

    /// Received payload that forward() has not been called for.
    std::uint32_t unforwarded() const { return credit_.received - credit_.forwarded; }

    /// The host will send no more (all it sent is with the guest), resp. take no more.
    void host_done_sending();
    void host_done_receiving();
    bool host_is_done() const { return host_shutdown_ == shutdown_both; }
    bool host_is_done_sending() const { return (host_shutdown_ & shutdown_send) != 0; }
    bool host_is_done_receiving() const { return (host_shutdown_ & shutdown_receive) != 0; }

    /// Ends it now; the guest is owed RST if it knows of the connection.
    void close();

    /// How many bytes the host may send now: 0 unless established and the guest has room.
    std::uint32_t sendable() const;

    /// The header for Op::rw packets, its length left at 0; sent() says that `bytes` went out under it.
    PacketHeader payload_header() const { return header(Op::rw); }
    void sent(std::uint32_t bytes);

    /// Whether a packet without payload is owed to the guest, and the most urgent one, which counts as sent.
    bool has_control() const { return next_control() != Op::invalid; }
    PacketHeader take_control(Clock::time_point now, const Timeouts& timeouts);

    /// When the guest's patience, or ours, ends; expire() closes the connection once that time has come.
    std::optional<Clock::time_point> deadline() const { return deadline_; }
    void expire(Clock::time_point now);

  private:
    Connection(Phase phase, std::uint64_t guest_cid, std::uint32_t host_port, std::uint32_t guest_port);

    void open();
    Effect receive_established(const PacketHeader& packet);
    Effect receive_payload(std::uint32_t length);
    Effect violation();
    bool update_guest_credit(const PacketHeader& packet);
    bool credit_update_due() const;
    Op next_control() const;
    PacketHeader header(Op op) const;
    void credit_announced();

    Phase phase_;
    std::uint64_t guest_cid_;
    std::uint32_t host_port_;
    std::uint32_t guest_port_;
    Credit credit_;
    std::uint32_t guest_shutdown_ = 0;  // SHUTDOWN flags that the guest has sent
    std::uint32_t host_shutdown_ = 0;   // those that hold for the host …
    std::uint32_t host_announced_ = 0;  // … and those that the guest was told
    bool opened_ = false;
    bool reset_owed_ = false;
    bool credit_requested_ = false;
    std::optional<Clock::time_point> deadline_;
};

}  // namespace nacre::vsock
