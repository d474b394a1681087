#include "tests/hostile-guest/attacks/attacks.h"

namespace hostile {

namespace {

constexpr u64 odd_values[] = {0, 1, 3, 0x7f, 0xffff, 0x10000, 0x80000000, 0xffffffff, 0xdeadbeefcafef00d, ~u64{0}};

template <class T>
void touch(u64 address) {
    (void)read_mmio<T>(address);
    write_mmio<T>(address, static_cast<T>(random()));
    (void)read_mmio<T>(address);
}

/// Every width at every offset, aligned or not, beyond the block's end as well.
void touch_block(const Device& device) {
    for (u64 offset = 0; offset < 0x140; ++offset) {
        const u64 address = device.base() + offset;
        touch<u8>(address);
        touch<u16>(address);
        touch<u32>(address);
        touch<u64>(address);
    }
    for (u64 offset = 0xff0; offset <= 0xfff; ++offset)
        touch<u64>(device.base() + offset - 8);
}

void write_odd_values(const Device& device) {
    for (const auto value : odd_values) {
        device.negotiate();
        for (u32 offset = 0; offset < 0x110; offset += 4) {
            if (offset != device_status)
                device.set(offset, static_cast<u32>(value));
        }
        device.set(device_status, static_cast<u32>(value));
    }
}

/// Nothing is there.
void touch_holes() {
    for (u64 address = memory_hole; address < device_registers; address += u64{16} << 20)
        touch<u64>(address);
    for (u64 slot = most_slots; slot < most_slots + 64; ++slot)
        touch<u32>(device_registers + slot * end_of_registers);
    for (u32 port = 0; port < 0x1000; ++port) {
        const bool ends_the_vm = port == 0x64 || (port >= 0x601 && port <= 0x604);
        if (ends_the_vm)
            continue;
        (void)in8(static_cast<u16>(port));
        (void)in32(static_cast<u16>(port));
        out8(static_cast<u16>(port), 0xfe);
    }
    // The sleep register takes 16 bits, the reset 8.
    out8(0x604, 0);
    out32(0x604, 0x2000);
    out16(0x64, 0xfe);
}

/// A status that no driver would write: all at once, backwards, twice.
void write_wrong_status(const Device& device) {
    device.reset();
    device.set(device_status, 0xff);
    device.drive();
    device.kick(0);
    device.reset();
    device.set(device_status, status_driver_ok);
    device.kick(0);
    start(device);
    device.drive();
    device.drive();
    device.set(device_status, status_acknowledge);
    device.reset();
    device.kick(0);
    device.kick(0xffffffff);
}

void accept_unoffered_features(const Device& device) {
    for (u32 bit = 0; bit < 64; ++bit) {
        if ((device.offered_features() >> bit & 1) == 0)
            device.negotiate(~(u64{1} << bit | feature_version_1));
    }
    start(device);
    device.set(driver_features, 0xffffffff);  // too late
    start(device, ~u64{0});                   // none at all
}

// --- queue-setup

void try_layout(const Device& device, u32 queue, u32 size, u64 descriptors, u64 driver, u64 used) {
    device.negotiate();
    device.set(queue_select, queue);
    device.set(queue_size, size);
    device.set_address(queue_descriptors, descriptors);
    device.set_address(queue_driver, driver);
    device.set_address(queue_device, used);
    for (const u32 ready : {2U, 0xffffffffU, 1U, 1U})
        device.set(queue_ready, ready);
    device.drive();
    device.kick(queue);
}

}  // namespace

void attack_registers() {
    for_each_device([](const Device& device) {
        touch_block(device);
        write_odd_values(device);
        write_wrong_status(device);
        accept_unoffered_features(device);
        device.reset();
    });
    touch_holes();
}

void attack_queue_setup() {
    const u64 good = reinterpret_cast<u64>(arena);
    const u64 end = end_of_memory();
    const u64 places[] = {0,           1,           good + 1,       good + 8,        end - 16,
                          end,         memory_hole, device_registers, u64{1} << 32, ~u64{0} - 15,
                          ~u64{0},     u64{1} << 63, 0xfee00000};
    for_each_device([&](const Device& device) {
        for (u32 queue = 0; queue < device.queues() + 1; ++queue) {
            for (const u32 size : {0U, 1U, 3U, 0x7fffU, 0x8000U, 0xffffU, 0x10000U, 0x10040U, 0xffffffffU})
                try_layout(device, queue, size, good, good + 0x80000, good + 0x100000);
            for (const u64 place : places) {
                try_layout(device, queue, 16, place, good, good + 4096);
                try_layout(device, queue, 16, good, place, good + 4096);
                try_layout(device, queue, 16, good, good + 4096, place);
            }
            try_layout(device, queue, 16, good, good, good);  // all in one place
        }
        device.reset();
    });
}

/// Rings are moved, shrunk and switched off while the device works on them.
void attack_moving_rings() {
    for_each_device([](const Device& device) {
        for (u32 round = 0; round < 80; ++round) {
            start(device);
            const u32 queue = static_cast<u32>(random()) % device.queues();
            Ring& ring = rings[queue];
            for (u16 i = 0; i < ring.size; ++i)
                ring.descriptors[i] = {reinterpret_cast<u64>(arena) + i * u64{4096}, 4096,
                                       u16(random() % 2 != 0 ? flag_write : 0), 0};
            for (u16 i = 0; i < ring.size; ++i)
                ring.publish(i);
            device.kick(queue);
            device.set(queue_select, queue);
            device.set_address(queue_descriptors, reinterpret_cast<u64>(arena) + random() % arena_bytes);
            device.set_address(queue_device, ~u64{0} - 15);
            device.set(queue_size, 0xffff);
            device.set(queue_ready, 0);
            device.kick(queue);
            if (round % 2 == 0)
                device.negotiate();  // while it works
        }
        device.reset();
    });
}

}  // namespace hostile
