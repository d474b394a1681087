#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>

namespace nacre::vsock {

/// The host's address (VMADDR_CID_HOST, linux/vm_sockets.h).
inline constexpr std::uint64_t host_cid = 2;

/// Bytes of a packet header on the wire (Virtio 1.2, 5.10.6).
inline constexpr std::size_t header_bytes = 44;

/// Packet operations (Virtio 1.2, 5.10.6). A guest may send any 16-bit value.
enum class Op : std::uint16_t {
    invalid = 0,
    request = 1,
    response = 2,
    rst = 3,
    shutdown = 4,
    rw = 5,
    credit_update = 6,
    credit_request = 7,
};

/// Socket types (Virtio 1.2, 5.10.6); only streams are offered.
inline constexpr std::uint16_t stream_type = 1;

/// Flags of Op::shutdown: what its sender will no longer do (Virtio 1.2, 5.10.6.5).
inline constexpr std::uint32_t shutdown_receive = 1;
inline constexpr std::uint32_t shutdown_send = 2;
inline constexpr std::uint32_t shutdown_both = shutdown_receive | shutdown_send;

/// A packet header in the host's byte order. As decoded from the guest, every field is untrusted.
struct PacketHeader {
    std::uint64_t source_cid = 0;
    std::uint64_t destination_cid = 0;
    std::uint32_t source_port = 0;
    std::uint32_t destination_port = 0;
    std::uint32_t length = 0;  // of the payload that follows
    std::uint16_t type = stream_type;
    Op op = Op::invalid;
    std::uint32_t flags = 0;
    std::uint32_t buffer_bytes = 0;     // buf_alloc: the sender's receive buffer for this connection
    std::uint32_t forwarded_bytes = 0;  // fwd_cnt: what the sender has passed on so far, modulo 2^32

    bool operator==(const PacketHeader&) const = default;
};

using RawHeader = std::array<std::byte, header_bytes>;

PacketHeader decode(const RawHeader& raw);
RawHeader encode(const PacketHeader& header);

/// The answer to `packet` that says "there is no such connection" (Virtio 1.2, 5.10.6.4).
PacketHeader reset_reply(const PacketHeader& packet);

}  // namespace nacre::vsock
