#include "vmm/devices/virtio/queue.h"

// Without it the header brings inline functions that are not C++.
#define VIRTIO_RING_NO_LEGACY
#include <linux/virtio_ring.h>

#include <algorithm>
#include <atomic>
#include <bit>
#include <limits>

namespace nacre::virtio {

namespace {

constexpr std::uint64_t max_chain_bytes = std::numeric_limits<std::uint32_t>::max();

// Offsets within the available and the used ring (Virtio 1.2, 2.7.6 and 2.7.8); the event index that belongs
// to the other side stands behind the last entry.
constexpr std::size_t flags_offset = 0;
constexpr std::size_t index_offset = 2;
constexpr std::size_t entries_offset = 4;

constexpr std::size_t available_ring_bytes(std::size_t size) {
    return entries_offset + size * sizeof(std::uint16_t) + sizeof(std::uint16_t);
}

constexpr std::size_t used_ring_bytes(std::size_t size) {
    return entries_offset + size * sizeof(vring_used_elem) + sizeof(std::uint16_t);
}

std::size_t used_event_offset(std::uint16_t size) {
    return entries_offset + size * sizeof(std::uint16_t);
}

std::size_t available_event_offset(std::uint16_t size) {
    return entries_offset + size * sizeof(vring_used_elem);
}

// A 16-bit field that a vCPU reads or writes at the same time. The cast is sound: the rings are aligned to at
// least 2 (Queue::create) and all offsets are even.
std::atomic_ref<std::uint16_t> shared_u16(std::span<std::byte> ring, std::size_t offset) {
    return std::atomic_ref<std::uint16_t>(*reinterpret_cast<std::uint16_t*>(ring.data() + offset));
}

Result<std::span<std::byte>> ring_area(const GuestMemory& memory, const char* name, GuestAddress address,
                                       std::size_t bytes, std::size_t alignment) {
    if (address % alignment != 0)
        return fail("{} at {:#x}: not aligned to {} bytes", name, address, alignment);
    auto area = memory.slice(address, bytes);
    if (!area)
        return add_context(std::move(area).error(), name);
    return area;
}

}  // namespace

// A table that a chain is read from: the queue's own or an indirect one.
struct Queue::Descriptors {
    std::span<const std::byte> bytes;

    std::size_t count() const { return bytes.size() / sizeof(vring_desc); }

    // The one copy of a descriptor; the guest may change the original meanwhile.
    vring_desc copy(std::size_t index) const {
        vring_desc descriptor;
        std::memcpy(&descriptor, bytes.data() + index * sizeof descriptor, sizeof descriptor);
        return descriptor;
    }
};

Result<Queue> Queue::create(const GuestMemory& memory, const QueueLayout& layout, std::uint16_t max_size,
                            bool event_index, bool indirect_descriptors) {
    if (!std::has_single_bit(layout.size) || layout.size > max_size)
        return fail("queue size {}: not a power of two up to {}", layout.size, max_size);
    Queue queue;
    queue.memory_ = &memory;
    queue.size_ = layout.size;
    queue.event_index_ = event_index;
    queue.indirect_ = indirect_descriptors;
    NACRE_ASSIGN(queue.descriptor_table_, ring_area(memory, "descriptor table", layout.descriptor_table,
                                                    layout.size * sizeof(vring_desc), VRING_DESC_ALIGN_SIZE));
    NACRE_ASSIGN(queue.available_ring_, ring_area(memory, "available ring", layout.available_ring,
                                                  available_ring_bytes(layout.size), VRING_AVAIL_ALIGN_SIZE));
    NACRE_ASSIGN(queue.used_ring_, ring_area(memory, "used ring", layout.used_ring,
                                             used_ring_bytes(layout.size), VRING_USED_ALIGN_SIZE));
    return queue;
}

Result<std::optional<DescriptorChain>> Queue::pop() {
    if (broken_)
        return fail("queue is stopped after a malformed chain");
    auto chain = pop_unless_broken();
    broken_ = !chain.has_value();
    return chain;
}

Result<std::optional<DescriptorChain>> Queue::pop_unless_broken() {
    // Acquire: pairs with the driver's write barrier between filling entries and descriptors and moving idx.
    const auto index = shared_u16(available_ring_, index_offset).load(std::memory_order_acquire);
    const auto waiting = static_cast<std::uint16_t>(index - next_available_);
    if (waiting == 0)
        return std::optional<DescriptorChain>();
    // Each chain takes at least one descriptor, so that a driver which keeps the rules cannot have more.
    if (waiting > size_ - outstanding())
        return fail("available index {}: {} chains beyond the {} in flight, queue size {}", index, waiting,
                    outstanding(), size_);
    const auto entry = entries_offset + slot(next_available_) * sizeof(std::uint16_t);
    const auto head = shared_u16(available_ring_, entry).load(std::memory_order_relaxed);
    ++next_available_;
    NACRE_ASSIGN(auto chain, read_chain(head));
    return std::optional<DescriptorChain>(std::move(chain));
}

Result<DescriptorChain> Queue::read_chain(std::uint16_t head) const {
    DescriptorChain chain;
    chain.head = head;
    Descriptors table{descriptor_table_};
    bool in_indirect_table = false;
    std::uint16_t index = head;
    // A chain visits at most `size_` descriptors, wherever they stand; the one that points to an indirect
    // table is not a buffer and does not count.
    for (std::uint32_t buffers = 0; buffers < size_;) {
        if (index >= table.count())
            return fail("chain {}: descriptor {} past its table of {}", head, index, table.count());
        const auto descriptor = table.copy(index);
        const bool has_next = (descriptor.flags & VRING_DESC_F_NEXT) != 0;
        if ((descriptor.flags & VRING_DESC_F_INDIRECT) != 0) {
            if (!indirect_ || in_indirect_table || has_next)
                return fail("chain {}: indirect descriptor {} where none is allowed", head, index);
            NACRE_ASSIGN(table, indirect_table(descriptor.addr, descriptor.len));
            in_indirect_table = true;
            index = 0;
            continue;
        }
        NACRE_TRY(
            add_buffer(chain, descriptor.addr, descriptor.len, (descriptor.flags & VRING_DESC_F_WRITE) != 0));
        if (!has_next)
            return chain;
        ++buffers;
        index = descriptor.next;
    }
    return fail("chain {}: longer than the queue size {}", head, size_);
}

// Virtio 1.2, 2.7.5.3: the WRITE flag of the descriptor that points here is to be ignored.
Result<Queue::Descriptors> Queue::indirect_table(GuestAddress address, std::uint32_t length) const {
    if (length == 0 || length % sizeof(vring_desc) != 0 || length / sizeof(vring_desc) > size_)
        return fail("indirect table at {:#x}: {} bytes are not 1 to {} descriptors", address, length, size_);
    NACRE_ASSIGN(const auto bytes, memory_->slice(address, length));
    return Descriptors{bytes};
}

Result<void> Queue::add_buffer(DescriptorChain& chain, GuestAddress address, std::uint32_t length,
                               bool writable) const {
    if (length == 0)
        return fail("chain {}: buffer at {:#x} of length zero", chain.head, address);
    if (!writable && !chain.writable.empty())
        return fail("chain {}: readable buffer at {:#x} after a writable one", chain.head, address);
    if (length > max_chain_bytes - chain.readable_bytes - chain.writable_bytes)
        return fail("chain {}: more than {} bytes", chain.head, max_chain_bytes);
    NACRE_ASSIGN(const auto bytes, memory_->slice(address, length));
    auto& buffers = writable ? chain.writable : chain.readable;
    buffers.push_back(iovec{bytes.data(), bytes.size()});
    (writable ? chain.writable_bytes : chain.readable_bytes) += length;
    return {};
}

void Queue::undo_pop() {
    if (outstanding() != 0)
        --next_available_;
}

Result<void> Queue::push_used(DescriptorChain chain, std::uint32_t written) {
    const UsedChain used{std::move(chain), written};
    return push_used(std::span(&used, 1));
}

Result<void> Queue::push_used(std::span<const UsedChain> chains) {
    if (chains.size() > outstanding())
        return fail("chain {}: given back though none is outstanding", chains[outstanding()].chain.head);
    for (const auto& [chain, written] : chains) {
        if (written > chain.writable_bytes)
            return fail("chain {}: {} bytes written of {}", chain.head, written, chain.writable_bytes);
    }
    for (const auto& [chain, written] : chains) {
        const vring_used_elem element{chain.head, written};
        const auto offset = entries_offset + slot(next_used_) * sizeof element;
        std::memcpy(used_ring_.data() + offset, &element, sizeof element);
        ++next_used_;
    }
    // Sequentially consistent: a release, so that elements and buffers are visible before the index; and
    // ordered before the load of used_event or flags in needs_interrupt(), which a release would not be.
    shared_u16(used_ring_, index_offset).store(next_used_, std::memory_order_seq_cst);
    return {};
}

bool Queue::needs_interrupt() {
    const auto before = std::exchange(signalled_used_, next_used_);
    if (before == next_used_)
        return false;
    if (!event_index_) {
        const auto flags = shared_u16(available_ring_, flags_offset).load(std::memory_order_seq_cst);
        return (flags & VRING_AVAIL_F_NO_INTERRUPT) == 0;
    }
    const auto used_event =
        shared_u16(available_ring_, used_event_offset(size_)).load(std::memory_order_seq_cst);
    return vring_need_event(used_event, next_used_, before) != 0;
}

void Queue::disable_notifications() {
    // With event index there is nothing to write: avail_event stays behind, and the driver kicks again only
    // after 65536 more chains.
    if (!event_index_)
        shared_u16(used_ring_, flags_offset).store(VRING_USED_F_NO_NOTIFY, std::memory_order_relaxed);
}

bool Queue::enable_notifications() {
    // Store, then load, both sequentially consistent: either the driver sees that we want a kick, or we see
    // the chain that it has just made available (Virtio 1.2, 2.7.7.1; it has the mirrored barrier).
    if (event_index_)
        shared_u16(used_ring_, available_event_offset(size_))
            .store(next_available_, std::memory_order_seq_cst);
    else
        shared_u16(used_ring_, flags_offset).store(0, std::memory_order_seq_cst);
    return shared_u16(available_ring_, index_offset).load(std::memory_order_seq_cst) != next_available_;
}

std::size_t copy_from_iovecs(std::span<const iovec> source, std::size_t offset, std::span<std::byte> target) {
    std::size_t copied = 0;
    for (const auto& part : source) {
        if (offset >= part.iov_len) {
            offset -= part.iov_len;
            continue;
        }
        const auto count = std::min(part.iov_len - offset, target.size() - copied);
        if (count == 0)
            break;
        std::memcpy(target.data() + copied, static_cast<const std::byte*>(part.iov_base) + offset, count);
        copied += count;
        offset = 0;
    }
    return copied;
}

std::size_t copy_to_iovecs(std::span<const iovec> target, std::size_t offset,
                           std::span<const std::byte> source) {
    std::size_t copied = 0;
    for (const auto& part : target) {
        if (offset >= part.iov_len) {
            offset -= part.iov_len;
            continue;
        }
        const auto count = std::min(part.iov_len - offset, source.size() - copied);
        if (count == 0)
            break;
        std::memcpy(static_cast<std::byte*>(part.iov_base) + offset, source.data() + copied, count);
        copied += count;
        offset = 0;
    }
    return copied;
}

}  // namespace nacre::virtio
