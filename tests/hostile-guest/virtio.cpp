#include "tests/hostile-guest/virtio.h"

namespace hostile {

Ring rings[ring_count];
alignas(4096) u8 arena[arena_bytes];

void Ring::clear(u16 entries) {
    memset(this, 0, sizeof *this);
    size = entries;
    available.flags = 1;  // no interrupts: nobody would take them
}

void Ring::publish(u16 head) {
    available.entries[available.index % size] = head;
    barrier();
    available.index = static_cast<u16>(available.index + 1);
    barrier();
}

u64 Device::offered_features() const {
    set(device_features_select, 1);
    const u64 high = get(device_features);
    set(device_features_select, 0);
    return high << 32 | get(device_features);
}

u16 Device::largest_size(u32 queue) const {
    set(queue_select, queue);
    return static_cast<u16>(get(queue_size_max));
}

u32 Device::queues() const {
    u32 count = 0;
    while (count < ring_count && largest_size(count) != 0)
        ++count;
    return count;
}

void Device::negotiate(u64 left_out) const {
    reset();
    set(device_status, status_acknowledge);
    set(device_status, status_acknowledge | status_driver);
    const u64 wanted = offered_features() & ~left_out;
    set(driver_features_select, 0);
    set(driver_features, static_cast<u32>(wanted));
    set(driver_features_select, 1);
    set(driver_features, static_cast<u32>(wanted >> 32));
    set(device_status, status_acknowledge | status_driver | status_features_ok);
}

void Device::set_address(u32 low_register, u64 address) const {
    set(low_register, static_cast<u32>(address));
    set(low_register + 4, static_cast<u32>(address >> 32));
}

void Device::give(u32 queue, Ring& ring) const {
    const u16 largest = largest_size(queue);
    ring.clear(largest < Ring::most ? largest : Ring::most);
    set(queue_size, ring.size);
    set_address(queue_descriptors, reinterpret_cast<u64>(ring.descriptors));
    set_address(queue_driver, reinterpret_cast<u64>(&ring.available));
    set_address(queue_device, reinterpret_cast<u64>(&ring.used));
    set(queue_ready, 1);
}

Device find_device(Kind kind) {
    for (u32 slot = 0; slot < most_slots; ++slot) {
        const Device device(slot);
        if (device.is_there() && device.kind() == kind)
            return device;
    }
    say(Text() << "FAILED: no device of kind " << static_cast<u32>(kind));
    halt();
}

void start(const Device& device, u64 left_out) {
    device.negotiate(left_out);
    for (u32 queue = 0; queue < device.queues(); ++queue)
        device.give(queue, rings[queue]);
    device.drive();
}

long exchange(const Device& device, u32 queue, const void* request, u32 request_bytes, void* answer, u32 answer_bytes,
              u32 patience) {
    Ring& ring = rings[queue];
    ring.descriptors[0] = {reinterpret_cast<u64>(request), request_bytes, u16(answer_bytes != 0 ? flag_next : 0), 1};
    ring.descriptors[1] = {reinterpret_cast<u64>(answer), answer_bytes, flag_write, 0};
    ring.publish(0);
    device.kick(queue);
    for (u32 i = 0; i < patience && !wait_for([&] { return ring.has_used(); }, 1000); ++i) {
        if (device.needs_reset())
            return -1;
    }
    if (!ring.has_used())
        return -1;
    const u32 length = ring.used.entries[ring.taken % ring.size].length;
    ++ring.taken;
    return length;
}

// A ring of its own: the console is attacked as well, and started again for every line. Attacks print all of RAM, where the texts of
// other lines are, but not behind this mark.
void say(const Text& line) {
    static Ring ring;
    for (u32 slot = 0; slot < most_slots; ++slot) {
        const Device device(slot);
        if (!device.is_there() || device.kind() != Kind::console)
            continue;
        Text whole;
        whole << "\nguest: " << line.data() << "\n";
        device.negotiate();
        device.give(1, ring);
        device.drive();
        ring.descriptors[0] = {reinterpret_cast<u64>(whole.data()), whole.size(), 0, 0};
        ring.publish(0);
        device.kick(1);
        wait_for([&] { return ring.has_used(); });
        device.reset();
    }
}

}  // namespace hostile
