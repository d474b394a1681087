#include "tests/hostile-guest/attacks/attacks.h"

namespace hostile {

namespace {

/// A ring whose chains are all wrong, each in its way. The names are those of public test suites for virtio devices.
struct Malformation {
    const char* name;
    void (*make)(Ring& ring);
};

u64 buffer() {
    return reinterpret_cast<u64>(arena);
}

void one(Ring& ring, const Descriptor& descriptor) {
    ring.descriptors[0] = descriptor;
    ring.publish(0);
}

/// A table of `count` buffers behind an indirect descriptor.
Descriptor* table(Ring& ring, u32 bytes, u16 more_flags = 0) {
    auto* entries = reinterpret_cast<Descriptor*>(arena + 0x10000);
    for (u32 i = 0; i < 512; ++i)
        entries[i] = {buffer(), 16, u16(i < 511 ? flag_next : 0), u16(i + 1)};
    one(ring, {reinterpret_cast<u64>(entries), bytes, u16(flag_indirect | more_flags), 1});
    return entries;
}

constexpr Malformation malformations[] = {
    {"loop of one", [](Ring& ring) { one(ring, {buffer(), 16, flag_next, 0}); }},
    {"loop of two",
     [](Ring& ring) {
         ring.descriptors[1] = {buffer(), 16, flag_next, 0};
         one(ring, {buffer(), 16, flag_next, 1});
     }},
    {"loop through all",
     [](Ring& ring) {
         for (u16 i = 0; i < ring.size; ++i)
             ring.descriptors[i] = {buffer(), 16, flag_next, u16((i + 1) % ring.size)};
         ring.publish(0);
     }},
    {"next out of bounds", [](Ring& ring) { one(ring, {buffer(), 16, flag_next, 0xffff}); }},
    {"head out of bounds", [](Ring& ring) { ring.publish(0xffff); }},
    {"head just out of bounds", [](Ring& ring) { ring.publish(ring.size); }},
    {"address zero", [](Ring& ring) { one(ring, {0, 4096, flag_write, 0}); }},
    {"address beyond RAM", [](Ring& ring) { one(ring, {end_of_memory(), 16, flag_write, 0}); }},
    {"address at the end of RAM", [](Ring& ring) { one(ring, {end_of_memory() - 8, 16, flag_write, 0}); }},
    {"address of registers", [](Ring& ring) { one(ring, {device_registers, 4096, flag_write, 0}); }},
    {"address wraps", [](Ring& ring) { one(ring, {~u64{0} - 7, 16, flag_write, 0}); }},
    {"address of the ring itself",
     [](Ring& ring) { one(ring, {reinterpret_cast<u64>(&ring), sizeof ring, flag_write, 0}); }},
    {"address of itself, to be read", [](Ring& ring) { one(ring, {reinterpret_cast<u64>(&ring), sizeof ring, 0, 0}); }},
    {"length zero", [](Ring& ring) { one(ring, {buffer(), 0, 0, 0}); }},
    {"length zero, to be written", [](Ring& ring) { one(ring, {buffer(), 0, flag_write, 0}); }},
    {"length 4 GiB", [](Ring& ring) { one(ring, {buffer(), 0xffffffff, flag_write, 0}); }},
    {"all of RAM, to be read", [](Ring& ring) { one(ring, {0x100000, u32(end_of_memory() - 0x100000), 0, 0}); }},
    {"lengths that overflow",
     [](Ring& ring) {
         for (u16 i = 0; i < ring.size; ++i)
             ring.descriptors[i] = {0x100000, u32(end_of_memory() - 0x100000), u16(i + 1 < ring.size ? flag_next : 0), u16(i + 1)};
         ring.publish(0);
     }},
    {"one byte", [](Ring& ring) { one(ring, {buffer(), 1, 0, 0}); }},
    {"one byte, to be written", [](Ring& ring) { one(ring, {buffer(), 1, flag_write, 0}); }},
    {"written before read",
     [](Ring& ring) {
         ring.descriptors[1] = {buffer(), 64, 0, 0};
         one(ring, {buffer(), 64, flag_write | flag_next, 1});
     }},
    {"indirect", [](Ring& ring) { table(ring, 16 * 16); }},
    {"indirect and next", [](Ring& ring) { table(ring, 16 * 4, flag_next); }},
    {"indirect of no length", [](Ring& ring) { table(ring, 0); }},
    {"indirect of odd length", [](Ring& ring) { table(ring, 17); }},
    {"indirect, too long", [](Ring& ring) { table(ring, 512 * 16); }},
    {"indirect of 4 GiB", [](Ring& ring) { table(ring, 0xfffffff0); }},
    {"indirect beyond RAM", [](Ring& ring) { one(ring, {end_of_memory(), 64, flag_indirect, 0}); }},
    {"indirect within indirect",
     [](Ring& ring) {
         auto* entries = table(ring, 64);
         entries[0].flags = flag_indirect;
         entries[0].length = 64;
         entries[0].address = reinterpret_cast<u64>(entries);
     }},
    {"indirect loop",
     [](Ring& ring) {
         auto* entries = table(ring, 64);
         entries[3].next = 0;
     }},
    {"the same head many times",
     [](Ring& ring) {
         ring.descriptors[0] = {buffer(), 64, 0, 0};
         for (u16 i = 0; i < ring.size; ++i)
             ring.publish(0);
     }},
    {"index jumps",
     [](Ring& ring) {
         one(ring, {buffer(), 64, 0, 0});
         ring.available.index = static_cast<u16>(ring.available.index + 1000);
     }},
    {"index goes backwards",
     [](Ring& ring) {
         one(ring, {buffer(), 64, 0, 0});
         ring.available.index = static_cast<u16>(ring.available.index - 2);
     }},
    {"random bytes",
     [](Ring& ring) {
         for (u16 i = 0; i < ring.size; ++i)
             ring.descriptors[i] = {random() % (u64{1} << 27), static_cast<u32>(random() % 100000), static_cast<u16>(random()),
                                    static_cast<u16>(random() % (ring.size + 1U))};
         for (u16 i = 0; i < ring.size; ++i)
             ring.publish(static_cast<u16>(random() % ring.size));
     }},
};

/// Time for the device to make something of it, or to give up.
void settle(const Device& device, const Ring& ring) {
    wait_for([&] { return ring.has_used() || device.needs_reset(); }, 300);
}

}  // namespace

void attack_rings() {
    u32 tried = 0;
    for_each_device([&](const Device& device) {
        for (u32 queue = 0; queue < device.queues(); ++queue) {
            for (const auto& malformation : malformations) {
                start(device, tried % 2 != 0 ? 0 : feature_event_index);
                malformation.make(rings[queue]);
                device.kick(queue);
                settle(device, rings[queue]);
                device.kick(queue);
                ++tried;
            }
        }
        device.reset();
    });
    say(Text() << "malformed rings: " << tried);
}

/// Descriptors and indices change all the time while the device reads them.
void attack_changing_rings() {
    for_each_device([](const Device& device) {
        for (u32 queue = 0; queue < device.queues(); ++queue) {
            for (u32 round = 0; round < 20; ++round) {
                start(device);
                Ring& ring = rings[queue];
                auto* bytes = reinterpret_cast<volatile u8*>(&ring.descriptors);
                const u64 shared = reinterpret_cast<u64>(&ring.size) - reinterpret_cast<u64>(&ring);
                for (u16 i = 0; i < ring.size; ++i)
                    ring.descriptors[i] = {buffer(), 128, u16(i % 2 != 0 ? flag_write : flag_next), u16(i + 1)};
                for (u32 step = 0; step < 400; ++step) {
                    if (step % 8 == 0) {
                        ring.publish(static_cast<u16>(step / 4 % ring.size));
                        device.kick(queue);
                    }
                    bytes[random() % shared] = static_cast<u8>(random());
                }
            }
        }
        device.reset();
    });
}

}  // namespace hostile
