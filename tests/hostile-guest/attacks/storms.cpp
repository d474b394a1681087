#include "tests/hostile-guest/attacks/attacks.h"
#include "tests/hostile-guest/fuse.h"

namespace hostile {

namespace {

void ring_all(u32 times) {
    for (u32 i = 0; i < times; ++i) {
        for_each_device([](const Device& device) {
            for (u32 queue = 0; queue < 4; ++queue)
                device.kick(queue);
        });
        vsock::device().kick(0);
        vsock::device().kick(1);
    }
}

void fill_with_text() {
    for (u64 i = 0; i < arena_bytes; ++i)
        arena[i] = static_cast<u8>(i % 61 == 60 ? '\n' : ' ' + i % 223);
}

}  // namespace

/// Doorbells of queues that work, that are empty, and that do not exist.
void attack_with_doorbells() {
    for_each_device([](const Device& device) {
        start(device);
        if (device.kind() == Kind::fs)
            return;
        for (u32 queue = 0; queue < device.queues(); ++queue)
            device.kick(queue);
    });
    ring_all(400);
}

void attack_console() {
    fill_with_text();
    const Device console = find_device(Kind::console);
    start(console);
    for (u32 i = 0; i < 128; ++i) {
        const u8* text = arena + i % 32 * u64{0x10000};
        exchange(console, 1, text, 0x10000, nullptr, 0);
    }
    // A chain as long as may be.
    Ring& ring = rings[1];
    for (u16 i = 0; i < ring.size; ++i)
        ring.descriptors[i] = {reinterpret_cast<u64>(arena), u32(arena_bytes), u16(i + 1 < ring.size ? flag_next : 0), u16(i + 1)};
    ring.publish(0);
    console.kick(1);
    wait_for([&] { return ring.has_used(); }, 10'000);
}

void attack_serial_port() {
    fill_with_text();
    for (u32 i = 0; i < 5; ++i)
        out_many(0x3f8, arena, 4000);
}

/// Rings that are no good, again and again: each would be a line.
void attack_log() {
    const Device console = find_device(Kind::console);
    for (u32 i = 0; i < 300; ++i) {
        start(console);
        rings[1].publish(0xffff);
        console.kick(1);
        wait_for([&] { return console.needs_reset(); }, 20);
    }
}

/// Never stops: what the VMM does for it must stay within bounds meanwhile.
void attack_endlessly() {
    fuse::start();
    const u64 node = fuse::container_root();
    for (;;) {
        fuse::Request(FUSE_GETATTR, node).add(fuse_getattr_in{}).send();
        ring_all(20);
        for (u32 i = 0; i < 20; ++i) {
            PacketHeader header;
            header.source_port = static_cast<u32>(random());
            header.destination_port = static_cast<u32>(random());
            vsock::send(header);
        }
    }
}

}  // namespace hostile
