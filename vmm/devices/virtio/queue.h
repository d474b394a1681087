#pragma once

#include <sys/uio.h>

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "vmm/base/result.h"
#include "vmm/memory/guest_memory.h"

namespace nacre::virtio {

/// Where the driver put a split virtqueue (Virtio 1.2, 2.7); frozen when the driver sets QueueReady.
struct QueueLayout {
    std::uint16_t size = 0;
    GuestAddress descriptor_table = 0;
    GuestAddress available_ring = 0;
    GuestAddress used_ring = 0;
};

/// One buffer that the driver gave: what the device may read, then what it may write (Virtio 1.2, 2.7.4.2).
/// Each descriptor was copied once and checked against guest memory; the bytes behind the iovecs may still
/// change under us. Move-only: it is returned to the driver exactly once, with Queue::push_used.
struct DescriptorChain {
    DescriptorChain() = default;
    DescriptorChain(DescriptorChain&&) = default;
    DescriptorChain& operator=(DescriptorChain&&) = default;

    std::uint16_t head = 0;
    std::vector<iovec> readable;
    std::vector<iovec> writable;
    std::uint64_t readable_bytes = 0;  // at most 2^32 - 1, as writable_bytes
    std::uint64_t writable_bytes = 0;
};

/// A chain on its way back to the driver: `written` bytes of its writable part are valid.
struct UsedChain {
    DescriptorChain chain;
    std::uint32_t written = 0;
};

/// The device side of one split virtqueue, with event index where negotiated. Belongs to one thread at a
/// time.
///
/// Everything in the rings is untrusted. A malformed chain is an error: the head has been consumed by then,
/// and the device must stop using the queue and call Interrupt::signal_needs_reset. From then on pop() gives
/// nothing but that error, so that a device which asks again cannot be made to spin.
///
/// Refused are: a chain longer than the queue size (Virtio 1.2, 2.7.5.3.1; this also ends loops), `next` or a
/// head past the table, a buffer that is not all in one region of RAM, one of length zero, a readable buffer
/// after a writable one, 4 GiB or more in total, a bad indirect table, and more chains than the queue has
/// room for. The same head twice is served twice; rings and buffers that overlap each other harm the guest
/// alone.
class Queue {
  public:
    /// Checks that size is a power of two within `max_size`, that the three areas are aligned (16, 2, 4), lie
    /// in RAM and do not wrap. `memory` must outlive the queue.
    static Result<Queue> create(const GuestMemory& memory, const QueueLayout& layout, std::uint16_t max_size,
                                bool event_index, bool indirect_descriptors);

    /// The next chain the driver made available, or nothing. Never more than `size` chains can be
    /// outstanding.
    Result<std::optional<DescriptorChain>> pop();

    /// Puts the last popped chain back, to be popped again (no other pop or push_used in between).
    void undo_pop();

    /// Gives the chain back; `written` bytes of its writable part are valid. An error when `written` is more
    /// than the writable part, or when no chain is outstanding; nothing has been pushed then.
    Result<void> push_used(DescriptorChain chain, std::uint32_t written);

    /// Gives several back so that the driver sees all of them or none, as it must those of one received frame
    /// (Virtio 1.2, 5.1.6.4.1). Errors as above.
    Result<void> push_used(std::span<const UsedChain> chains);

    /// Whether the driver wants an interrupt for what was pushed since the last call (used_event or
    /// NO_INTERRUPT).
    bool needs_interrupt();

    /// Asks the driver not to kick, resp. to kick again. enable_notifications() returns true when chains came
    /// meanwhile: pop again before waiting.
    void disable_notifications();
    bool enable_notifications();

    /// How many chains can be outstanding, and how many are.
    std::uint16_t size() const { return size_; }
    std::uint16_t outstanding() const { return static_cast<std::uint16_t>(next_available_ - next_used_); }

    /// Where its three areas are in this process, for a kernel that takes the queue over.
    std::span<std::byte> descriptor_table() const { return descriptor_table_; }
    std::span<std::byte> available_ring() const { return available_ring_; }
    std::span<std::byte> used_ring() const { return used_ring_; }

    /// Ring positions, for snapshots (same state as Virtio 1.2, 2.7 indices; the layout is QueueLayout).
    std::uint16_t next_available() const { return next_available_; }
    std::uint16_t next_used() const { return next_used_; }

  private:
    struct Descriptors;

    Queue() = default;
    Result<std::optional<DescriptorChain>> pop_unless_broken();
    Result<DescriptorChain> read_chain(std::uint16_t head) const;
    Result<Descriptors> indirect_table(GuestAddress address, std::uint32_t length) const;
    Result<void> add_buffer(DescriptorChain& chain, GuestAddress address, std::uint32_t length,
                            bool writable) const;
    std::uint16_t slot(std::uint16_t index) const { return index & static_cast<std::uint16_t>(size_ - 1); }

    const GuestMemory* memory_ = nullptr;
    std::uint16_t size_ = 0;
    bool event_index_ = false;
    bool indirect_ = false;
    bool broken_ = false;
    // The three areas, checked once: regions of guest memory stay mapped, and the layout is frozen.
    std::span<std::byte> descriptor_table_;
    std::span<std::byte> available_ring_;
    std::span<std::byte> used_ring_;
    std::uint16_t next_available_ = 0;
    std::uint16_t next_used_ = 0;
    std::uint16_t signalled_used_ = 0;
};

/// Copies between a chain's iovecs and a flat buffer, from `offset` bytes into the chain. Returns bytes
/// copied.
std::size_t copy_from_iovecs(std::span<const iovec> source, std::size_t offset, std::span<std::byte> target);
std::size_t copy_to_iovecs(std::span<const iovec> target, std::size_t offset,
                           std::span<const std::byte> source);

}  // namespace nacre::virtio
