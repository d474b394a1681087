#include "tests/hostile-guest/vsock.h"

namespace hostile::vsock {

namespace {

enum Queue : u32 { receive_queue, transmit_queue };
constexpr u32 buffer_bytes = 4096;

Device found(0);
Ring receive_ring;
Ring transmit_ring;
Ring event_ring;
alignas(16) u8 buffers[Ring::most][buffer_bytes];
u16 lent;  // the buffer of the last packet received, to be given back
bool has_lent;

void give_back(u16 buffer) {
    receive_ring.descriptors[buffer] = {reinterpret_cast<u64>(buffers[buffer]), buffer_bytes, flag_write, 0};
    receive_ring.publish(buffer);
}

}  // namespace

const Device& device() {
    return found;
}

void start() {
    found = find_device(Kind::vsock);
    found.negotiate();
    found.give(receive_queue, receive_ring);
    found.give(transmit_queue, transmit_ring);
    found.give(2, event_ring);
    found.drive();
    for (u16 buffer = 0; buffer < receive_ring.size; ++buffer)
        give_back(buffer);
    found.kick(receive_queue);
    has_lent = false;
}

bool send(const PacketHeader& header, const void* payload, u32 bytes) {
    static PacketHeader copy;
    copy = header;
    auto& ring = transmit_ring;
    ring.descriptors[0] = {reinterpret_cast<u64>(&copy), sizeof copy, u16(bytes != 0 ? flag_next : 0), 1};
    ring.descriptors[1] = {reinterpret_cast<u64>(payload), bytes, 0, 0};
    ring.publish(0);
    found.kick(transmit_queue);
    if (!wait_for([&] { return ring.has_used(); }))
        return false;
    ++ring.taken;
    return true;
}

bool receive(Packet& packet) {
    if (has_lent) {
        give_back(lent);
        found.kick(receive_queue);
        has_lent = false;
    }
    auto& ring = receive_ring;
    if (!ring.has_used())
        return false;
    barrier();
    const auto element = ring.used.entries[ring.taken % ring.size];
    ++ring.taken;
    lent = static_cast<u16>(element.id);
    has_lent = true;
    memcpy(&packet.header, buffers[lent], sizeof packet.header);
    packet.payload = buffers[lent] + sizeof packet.header;
    packet.bytes = element.length - static_cast<u32>(sizeof packet.header);
    return true;
}

}  // namespace hostile::vsock
