#pragma once

#include "tests/hostile-guest/virtio.h"

/// The virtio-vsock device, packet by packet.
namespace hostile {

inline constexpr u64 host_cid = 2;
inline constexpr u64 own_cid = 3;

enum class Op : u16 { request = 1, response = 2, reset = 3, shutdown = 4, data = 5, credit_update = 6, credit_request = 7 };

/// A packet's header on the wire (Virtio 1.2, 5.10.6).
struct [[gnu::packed]] PacketHeader {
    u64 source_cid = own_cid;
    u64 destination_cid = host_cid;
    u32 source_port = 0;
    u32 destination_port = 0;
    u32 length = 0;
    u16 type = 1;
    Op op = Op::request;
    u32 flags = 0;
    u32 buffer_bytes = 1 << 20;
    u32 forwarded_bytes = 0;
};
static_assert(sizeof(PacketHeader) == 44);

/// A packet from the host; valid until the next one is received.
struct Packet {
    PacketHeader header;
    const u8* payload = nullptr;
    u32 bytes = 0;
};

namespace vsock {

const Device& device();
void start();

/// Waits until the device has taken it. `bytes` of payload follow whatever the header says. False: it takes no more.
bool send(const PacketHeader& header, const void* payload = nullptr, u32 bytes = 0);

/// The next packet from the host, if there is one.
bool receive(Packet& packet);

}  // namespace vsock

}  // namespace hostile
