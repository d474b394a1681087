#pragma once

#include "tests/hostile-guest/platform.h"

/// A driver for virtio-mmio that does what it is told, right or wrong.
namespace hostile {

/// Device types (Virtio 1.2, 5).
enum class Kind : u32 { none = 0, net = 1, block = 2, console = 3, rng = 4, balloon = 5, vsock = 19, mem = 24, fs = 26 };

/// Registers (Virtio 1.2, 4.2.2).
enum Register : u32 {
    magic = 0x00,
    device_id = 0x08,
    device_features = 0x10,
    device_features_select = 0x14,
    driver_features = 0x20,
    driver_features_select = 0x24,
    queue_select = 0x30,
    queue_size_max = 0x34,
    queue_size = 0x38,
    queue_ready = 0x44,
    queue_notify = 0x50,
    interrupt_status = 0x60,
    interrupt_acknowledge = 0x64,
    device_status = 0x70,
    queue_descriptors = 0x80,  // low half, high half behind it
    queue_driver = 0x90,
    queue_device = 0xa0,
    shared_memory_select = 0xac,
    config_generation = 0xfc,
    config_space = 0x100,
    end_of_registers = 0x1000,
};

inline constexpr u32 status_acknowledge = 1;
inline constexpr u32 status_driver = 2;
inline constexpr u32 status_driver_ok = 4;
inline constexpr u32 status_features_ok = 8;
inline constexpr u32 status_needs_reset = 64;

inline constexpr u64 feature_indirect = u64{1} << 28;
inline constexpr u64 feature_event_index = u64{1} << 29;
inline constexpr u64 feature_version_1 = u64{1} << 32;

inline constexpr u16 flag_next = 1;
inline constexpr u16 flag_write = 2;
inline constexpr u16 flag_indirect = 4;

struct Descriptor {
    u64 address;
    u32 length;
    u16 flags;
    u16 next;
};

struct UsedElement {
    u32 id;
    u32 length;
};

/// A split ring of up to 64 entries, in the kernel's memory.
struct Ring {
    static constexpr u16 most = 64;

    alignas(16) Descriptor descriptors[most];
    struct {
        u16 flags;
        volatile u16 index;
        u16 entries[most];
        u16 used_event;
    } available;
    alignas(8) struct {
        u16 flags;
        volatile u16 index;
        UsedElement entries[most];
        u16 available_event;
    } used;

    u16 size;
    u16 taken;  // of the used ring

    void clear(u16 entries);
    /// Makes the chain that begins at `head` available. The caller kicks.
    void publish(u16 head);
    bool has_used() const { return used.index != taken; }
};

/// The registers of one device. Cheap to copy.
class Device {
  public:
    explicit constexpr Device(u32 slot) : base_(device_registers + slot * u64{end_of_registers}) {}

    u64 base() const { return base_; }
    u32 get(u32 offset) const { return read_mmio<u32>(base_ + offset); }
    void set(u32 offset, u32 value) const { write_mmio<u32>(base_ + offset, value); }
    Kind kind() const { return static_cast<Kind>(get(device_id)); }
    bool is_there() const { return get(magic) == 0x74726976 && kind() != Kind::none; }

    void reset() const { set(device_status, 0); }
    u64 offered_features() const;
    u16 largest_size(u32 queue) const;
    u32 queues() const;

    /// Up to FEATURES_OK, with what is offered but `left_out`.
    void negotiate(u64 left_out = feature_event_index) const;
    void set_address(u32 low_register, u64 address) const;
    /// Tells the device where `ring` is; as large as both sides allow.
    void give(u32 queue, Ring& ring) const;
    void drive() const { set(device_status, get(device_status) | status_driver_ok); }
    void kick(u32 queue) const { set(queue_notify, queue); }
    bool needs_reset() const { return (get(device_status) & status_needs_reset) != 0; }

  private:
    u64 base_;
};

inline constexpr u32 most_slots = 19;

/// Calls `function` for every device but the vsock, over which the guest keeps its container alive.
template <class Function>
void for_each_device(Function function) {
    for (u32 slot = 0; slot < most_slots; ++slot) {
        const Device device(slot);
        if (device.is_there() && device.kind() != Kind::vsock)
            function(device);
    }
}

/// The first device of that kind; a halt if there is none.
Device find_device(Kind kind);

/// Rings for whoever attacks, and memory for buffers.
inline constexpr u32 ring_count = 4;
extern Ring rings[ring_count];
inline constexpr u64 arena_bytes = u64{4} << 20;
extern u8 arena[arena_bytes];

/// Resets `device` and starts it with the attackers' rings.
void start(const Device& device, u64 left_out = feature_event_index);

/// One chain of a readable and a writable buffer; waits for the answer, for `patience` thousand turns. Its length, or -1 if none came.
long exchange(const Device& device, u32 queue, const void* request, u32 request_bytes, void* answer, u32 answer_bytes,
              u32 patience = 20'000);

/// A line in the console's log, which is what the host sees of the guest.
void say(const Text& line);

}  // namespace hostile
