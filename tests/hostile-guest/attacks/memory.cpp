#include <linux/virtio_mem.h>

#include "tests/hostile-guest/attacks/attacks.h"

namespace hostile {

namespace {

/// Free pages that are not free: the rings, the kernel, all there is.
void report_all_pages() {
    const Device balloon = find_device(Kind::balloon);
    constexpr u32 reports = 2;
    for (u32 round = 0; round < 50; ++round) {
        start(balloon);
        Ring& ring = rings[reports];
        const Descriptor ranges[] = {
            {0x100000, u32(end_of_memory() - 0x100000) / 2, flag_write, 0},
            {reinterpret_cast<u64>(arena), u32(arena_bytes), flag_write, 0},
            {reinterpret_cast<u64>(arena) + 1, 4097, flag_write, 0},
            {0, 0x100000, flag_write, 0},
            {reinterpret_cast<u64>(arena), 4096, 0, 0},
        };
        // All but the first, which is the guest itself; that the VMM keeps.
        ring.descriptors[0] = ranges[1 + round % 4];
        ring.publish(0);
        balloon.kick(reports);
        wait_for([&] { return ring.has_used() || balloon.needs_reset(); }, 2000);
    }
    balloon.reset();
}

/// Memory that was not offered, given back twice, of any size, outside the region.
void ask_for_memory(const Device& device) {
    start(device);
    const u64 region = read_mmio<u64>(device.base() + config_space + 16);
    const u64 addresses[] = {0, region, region + 1, region - (u64{2} << 20), region + (u64{1} << 40), ~u64{0}, ~u64{0} << 21};
    for (u16 type = 0; type < 6; ++type) {
        for (const u64 address : addresses) {
            for (const u16 blocks : {u16{0}, u16{1}, u16{0xffff}}) {
                virtio_mem_req request{};
                request.type = type;
                request.u.plug.addr = address;
                request.u.plug.nb_blocks = blocks;
                virtio_mem_resp response{};
                if (exchange(device, 0, &request, sizeof request, &response, sizeof response) < 0)
                    return say(Text() << "FAILED: virtio-mem does not answer");
            }
        }
    }
    device.reset();
}

}  // namespace

void attack_memory() {
    report_all_pages();
    for_each_device([](const Device& device) {
        if (device.kind() == Kind::mem)
            ask_for_memory(device);
    });
    const Device rng = find_device(Kind::rng);
    start(rng);
    for (u32 i = 0; i < 200; ++i)
        exchange(rng, 0, arena, 16, arena, u32(arena_bytes));
    rng.reset();
}

}  // namespace hostile
