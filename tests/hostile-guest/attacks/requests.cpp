#include <linux/virtio_blk.h>

#include "tests/hostile-guest/attacks/attacks.h"
#include "tests/hostile-guest/fuse.h"

namespace hostile {

namespace {

using fuse::Request;

// --- file-server

void ask_before_init() {
    const auto& device = fuse::device();
    start(device);
    if (Request(FUSE_GETATTR, fuse::root).add(fuse_getattr_in{}).send().succeeded())
        say(Text() << "ESCAPED: an answer before INIT");
    fuse::start();
}

/// Every operation that there is or might be, with arguments that are none.
void send_garbage(u64 node) {
    for (u32 opcode = 0; opcode < 64; ++opcode) {
        for (const u32 bytes : {0U, 1U, 8U, 40U, 256U, 5000U, 100'000U}) {
            for (u32 i = 0; i < bytes; i += 8) {
                const u64 number = random();
                memcpy(arena + i, &number, sizeof number);
            }
            Request request(opcode, node);
            request.add(arena, bytes).send();
        }
    }
    for (u32 i = 0; i < 50; ++i)
        Request(static_cast<u32>(random()), random()).add(arena, 64).send();
}

/// A header that does not fit what comes with it.
void lie_about_lengths(u64 node) {
    for (const u32 length : {0U, 1U, 39U, 41U, 0x7fffffffU, 0xffffffffU}) {
        Request request(FUSE_LOOKUP, node);
        request.name("bin");
        request.header().len = length;
        request.send();
    }
    for (u32 bytes = 1; bytes < sizeof(fuse_in_header); bytes += 3)
        exchange(fuse::device(), fuse::requests, arena, bytes, arena + 4096, 4096);
    for (u32 bytes = 1; bytes < sizeof(fuse_out_header); bytes += 3) {
        fuse_in_header header{};
        header.len = sizeof header;
        header.opcode = FUSE_STATFS;
        header.nodeid = node;
        memcpy(arena, &header, sizeof header);
        exchange(fuse::device(), fuse::requests, arena, sizeof header, arena + 4096, bytes);
    }
}

void ask_for_too_much(u64 node) {
    const auto opened = Request(FUSE_OPENDIR, node).add(fuse_open_in{}).send();
    const u64 handle = opened.succeeded() ? opened.as<fuse_open_out>().fh : 0;
    for (const u32 size : {0U, 1U, 23U, 0x7fffffffU, 0xffffffffU}) {
        fuse_read_in read{};
        read.fh = handle;
        read.size = size;
        read.offset = random();
        Request(FUSE_READDIR, node).add(read).send();
        Request(FUSE_READDIRPLUS, node).add(read).send();
        Request(FUSE_READ, node).add(read).send();
        fuse_write_in write{};
        write.fh = handle;
        write.size = size;
        write.offset = ~u64{0} >> 1;
        Request(FUSE_WRITE, node).add(write).add(arena, 4096).send();
        fuse_getxattr_in attribute{};
        attribute.size = size;
        Request(FUSE_GETXATTR, node).add(attribute).name("user.a").send();
        Request(FUSE_LISTXATTR, node).add(attribute).send();
        fuse_setxattr_in value{};
        value.size = size;
        Request(FUSE_SETXATTR, node).add(value).name("user.a").add(arena, 70'000).send();
        fuse_batch_forget_in forget{};
        forget.count = size;
        Request(FUSE_BATCH_FORGET, node).add(forget).add(arena, 512).send();
    }
    fuse_forget_in forget{};
    forget.nlookup = ~u64{0};
    Request(FUSE_FORGET, fuse::root).add(forget).send();
}

/// As many requests as the ring holds, of all kinds, under way at once; some while the server is told to begin or to end.
void interleave(u64 node) {
    constexpr u32 operations[] = {FUSE_GETATTR, FUSE_INIT, FUSE_STATFS, FUSE_OPENDIR, FUSE_DESTROY, FUSE_READDIRPLUS, FUSE_LOOKUP};
    constexpr u64 place_bytes = 16384;
    const auto& device = fuse::device();
    for (u32 round = 0; round < 40; ++round) {
        fuse::start();
        Ring& ring = rings[fuse::requests];
        for (u16 i = 0; i < ring.size / 2; ++i) {
            u8* place = arena + i * place_bytes;
            memset(place, 0, 4096);
            fuse_in_header header{};
            header.opcode = operations[random() % 7];
            header.nodeid = node;
            header.len = sizeof header + 64;
            memcpy(place, &header, sizeof header);
            const u16 first = u16(i * 2);
            ring.descriptors[first] = {reinterpret_cast<u64>(place), header.len, flag_next, u16(first + 1)};
            ring.descriptors[first + 1] = {reinterpret_cast<u64>(place) + 4096, 8192, flag_write, 0};
            ring.publish(first);
        }
        device.kick(fuse::requests);
        device.kick(fuse::hiprio);
        if (round % 4 == 0)
            device.reset();
        else
            wait_for([&] { return ring.used.index == ring.available.index; });
    }
    fuse::start();
}

/// A write of all of RAM in one chain, many times over.
void send_giant_request(u64 node) {
    fuse::start();
    Ring& ring = rings[fuse::requests];
    fuse_in_header header{};
    header.opcode = FUSE_WRITE;
    header.nodeid = node;
    header.len = 0xffffffff;
    memcpy(arena, &header, sizeof header);
    const u32 all = u32(end_of_memory() - 0x100000);
    ring.descriptors[0] = {reinterpret_cast<u64>(arena), sizeof header + sizeof(fuse_write_in), flag_next, 1};
    for (u16 i = 1; i < ring.size; ++i)
        ring.descriptors[i] = {0x100000, all, u16(i + 1 < ring.size ? flag_next : 0), u16(i + 1)};
    for (u32 i = 0; i < 20; ++i) {
        ring.publish(0);
        fuse::device().kick(fuse::requests);
        wait_for([&] { return ring.used.index == ring.available.index || fuse::device().needs_reset(); });
    }
    fuse::start();
}

// --- disk

void ask_disk(const Device& device, u32 type, u64 sector, u32 bytes) {
    virtio_blk_outhdr header{};
    header.type = type;
    header.sector = sector;
    memcpy(arena, &header, sizeof header);
    const bool reads = type == VIRTIO_BLK_T_IN || type == VIRTIO_BLK_T_GET_ID;
    Ring& ring = rings[0];
    ring.descriptors[0] = {reinterpret_cast<u64>(arena), sizeof header, flag_next, 1};
    ring.descriptors[1] = {reinterpret_cast<u64>(arena) + 4096, bytes, u16(flag_next | (reads ? flag_write : 0)), 2};
    ring.descriptors[2] = {reinterpret_cast<u64>(arena) + 2048, 1, flag_write, 0};
    ring.publish(0);
    device.kick(0);
    if (!wait_for([&] { return ring.has_used() || device.needs_reset(); }))
        say(Text() << "FAILED: the disk does not answer");
    ++ring.taken;
}

void discard_everywhere(const Device& device) {
    constexpr u32 most = 256;
    struct [[gnu::packed]] Range {
        u64 sector;
        u32 count;
        u32 flags;
    };
    auto* ranges = reinterpret_cast<Range*>(arena + 4096);
    for (u32 i = 0; i < most; ++i)
        ranges[i] = {random(), static_cast<u32>(random()), static_cast<u32>(random())};
    for (const u32 type : {VIRTIO_BLK_T_DISCARD, VIRTIO_BLK_T_WRITE_ZEROES}) {
        for (const u32 bytes : {1U, 15U, 16U, 17U, most * 16U})
            ask_disk(device, type, 0, bytes);
    }
}

void fill_disk_queue(const Device& device) {
    Ring& ring = rings[0];
    for (u32 round = 0; round < 50; ++round) {
        start(device);
        for (u16 i = 0; i + 3 <= ring.size; i = u16(i + 3)) {
            virtio_blk_outhdr header{};
            header.type = i % 2;
            header.sector = i;
            auto* place = arena + i * u64{256};
            memcpy(place, &header, sizeof header);
            ring.descriptors[i] = {reinterpret_cast<u64>(place), sizeof header, flag_next, u16(i + 1)};
            ring.descriptors[i + 1] = {reinterpret_cast<u64>(arena) + 0x100000, 0x10000, u16(flag_next | (i % 2 != 0 ? 0 : flag_write)),
                                       u16(i + 2)};
            ring.descriptors[i + 2] = {reinterpret_cast<u64>(place) + 64, 1, flag_write, 0};
            ring.publish(i);
        }
        device.kick(0);
        device.reset();
    }
}

// --- interface

// Where the host's kernel serves the queue (vhost), one that is no frame stays in it for good, and nothing is said of it.
void send_frame(const Device& device, const u8* bytes, u32 size) {
    if (exchange(device, 1, bytes, size, nullptr, 0, 100) < 0)
        start(device);
}

}  // namespace

void attack_file_server() {
    fuse::start();
    const u64 node = fuse::container_root();
    ask_before_init();
    send_garbage(fuse::container_root());
    fuse::start();
    lie_about_lengths(fuse::container_root());
    fuse::start();
    ask_for_too_much(fuse::container_root());
    interleave(node);
    send_giant_request(fuse::container_root());
}

void attack_disk() {
    const Device disk = find_device(Kind::block);
    start(disk);
    const u64 sectors = read_mmio<u32>(disk.base() + config_space);
    for (u32 type = 0; type < 20; ++type) {
        for (const u64 sector : {u64{0}, sectors - 1, sectors, u64{1} << 55, ~u64{0}, ~u64{0} >> 9}) {
            for (const u32 bytes : {1U, 511U, 512U, 1024U, 0x100000U}) {
                ask_disk(disk, type, sector, bytes);
                if (disk.needs_reset())
                    start(disk);
            }
        }
    }
    discard_everywhere(disk);
    fill_disk_queue(disk);
}

void attack_interface() {
    const Device net = find_device(Kind::net);
    start(net);
    for (u32 size = 1; size < 80; ++size)
        send_frame(net, arena, size);
    for (u32 i = 0; i < 400; ++i) {
        for (u32 at = 0; at < 64; at += 8) {
            const u64 number = random();
            memcpy(arena + at, &number, sizeof number);
        }
        arena[0] = static_cast<u8>(i);       // offloads that were not agreed on, or that lie
        arena[1] = static_cast<u8>(i % 6);
        send_frame(net, arena, i % 3 == 0 ? 0x11000 : 64 + i % 1500);
    }
    // Buffers of one byte to receive into.
    Ring& ring = rings[0];
    for (u16 i = 0; i < ring.size; ++i) {
        ring.descriptors[i] = {reinterpret_cast<u64>(arena), 1, flag_write, 0};
        ring.publish(i);
    }
    net.kick(0);
    for (u32 i = 0; i < 200; ++i) {
        arena[0x1000] = static_cast<u8>(i);
        arena[0x1001] = static_cast<u8>(random());
        if (net.queues() > 2)
            exchange(net, 2, arena + 0x1000, 2 + i % 64, arena + 0x2000, 1);
        if (net.needs_reset())
            start(net);
    }
    for (u32 i = 0; i < 20'000; ++i)
        net.kick(1);
}

}  // namespace hostile
