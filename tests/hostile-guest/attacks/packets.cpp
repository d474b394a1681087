#include "tests/hostile-guest/attacks/attacks.h"

namespace hostile {

namespace {

constexpr u32 few_ports = 64;

PacketHeader packet(Op op, u32 from, u32 to) {
    PacketHeader header;
    header.op = op;
    header.source_port = from;
    header.destination_port = to;
    return header;
}

/// Requests for connections to every port that there might be, and to one that was given away.
void flood_with_requests() {
    for (u32 i = 0; i < 3000; ++i)
        vsock::send(packet(Op::request, 100'000 + i, i % 2 != 0 ? 1024 : i));
}

/// Packets of connections that never were.
void send_out_of_nowhere() {
    for (u32 op = 0; op < 12; ++op) {
        for (u32 port = 0; port < few_ports; ++port) {
            auto header = packet(static_cast<Op>(op), 7000 + port, 1 << 30);
            header.flags = static_cast<u32>(random());
            header.length = op % 2 != 0 ? 0 : static_cast<u32>(random());
            vsock::send(header, arena, 64);
        }
    }
}

void lie_about_addresses() {
    for (const u64 cid : {u64{0}, u64{1}, u64{2}, u64{4}, ~u64{0}, u64{0xffffffff}}) {
        auto header = packet(Op::request, 9000, 1024);
        header.source_cid = cid;
        vsock::send(header);
        header.source_cid = own_cid;
        header.destination_cid = cid;
        vsock::send(header);
        header.destination_cid = host_cid;
        header.type = static_cast<u16>(cid);
        vsock::send(header);
    }
}

}  // namespace

void attack_with_packets() {
    flood_with_requests();
    send_out_of_nowhere();
    lie_about_addresses();
    agent::serve();  // the container is still there
}

/// The same on the connection that the container hangs on: lengths that lie, data beyond all credit, a credit that wraps.
void attack_own_connections() {
    auto& owner = agent::owner();
    for (u32 i = 0; i < 200; ++i) {
        auto header = packet(Op::credit_update, owner.own_port, owner.host_port);
        header.buffer_bytes = static_cast<u32>(random());
        header.forwarded_bytes = static_cast<u32>(random());
        vsock::send(header);
        header.op = Op::credit_request;
        vsock::send(header);
    }
    for (u32 i = 0; i < 20'000; ++i) {
        auto header = packet(Op::data, owner.own_port, owner.host_port);
        header.length = i == 19'999 ? 0xffffffff : 65536;
        if (!vsock::send(header, arena, 65536))
            return;
    }
}

}  // namespace hostile
