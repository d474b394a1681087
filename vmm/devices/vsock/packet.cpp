#include "vmm/devices/vsock/packet.h"

#include <endian.h>
#include <linux/virtio_vsock.h>

#include <cstring>

namespace nacre::vsock {

static_assert(sizeof(virtio_vsock_hdr) == header_bytes);

PacketHeader decode(const RawHeader& raw) {
    virtio_vsock_hdr wire;
    std::memcpy(&wire, raw.data(), sizeof(wire));
    PacketHeader header;
    header.source_cid = le64toh(wire.src_cid);
    header.destination_cid = le64toh(wire.dst_cid);
    header.source_port = le32toh(wire.src_port);
    header.destination_port = le32toh(wire.dst_port);
    header.length = le32toh(wire.len);
    header.type = le16toh(wire.type);
    header.op = Op{le16toh(wire.op)};
    header.flags = le32toh(wire.flags);
    header.buffer_bytes = le32toh(wire.buf_alloc);
    header.forwarded_bytes = le32toh(wire.fwd_cnt);
    return header;
}

RawHeader encode(const PacketHeader& header) {
    virtio_vsock_hdr wire;
    wire.src_cid = htole64(header.source_cid);
    wire.dst_cid = htole64(header.destination_cid);
    wire.src_port = htole32(header.source_port);
    wire.dst_port = htole32(header.destination_port);
    wire.len = htole32(header.length);
    wire.type = htole16(header.type);
    wire.op = htole16(static_cast<std::uint16_t>(header.op));
    wire.flags = htole32(header.flags);
    wire.buf_alloc = htole32(header.buffer_bytes);
    wire.fwd_cnt = htole32(header.forwarded_bytes);
    RawHeader raw;
    std::memcpy(raw.data(), &wire, sizeof(wire));
    return raw;
}

PacketHeader reset_reply(const PacketHeader& packet) {
    PacketHeader reply;
    reply.source_cid = packet.destination_cid;
    reply.destination_cid = packet.source_cid;
    reply.source_port = packet.destination_port;
    reply.destination_port = packet.source_port;
    reply.type = packet.type;
    reply.op = Op::rst;
    return reply;
}

}  // namespace nacre::vsock
