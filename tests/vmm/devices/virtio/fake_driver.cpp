#include "tests/vmm/devices/virtio/fake_driver.h"

#include <linux/virtio_config.h>

#define VIRTIO_RING_NO_LEGACY
#include <linux/virtio_ring.h>

#include <algorithm>
#include <stdexcept>

namespace nacre::virtio::fake {

namespace {

constexpr std::uint64_t buffer_bytes = 1U << 20;
constexpr std::uint64_t entries_offset = 4;  // behind flags and idx, in both rings

template <class T>
T value_of(Result<T> result) {
    if (!result)
        throw std::logic_error(result.error().message);
    return std::move(*result);
}

GuestMemory two_regions() {
    std::vector<GuestMemory::Region> regions;
    regions.push_back({0, value_of(MemoryMapping::anonymous(FakeGuest::low_end))});
    regions.push_back({FakeGuest::high_start,
                       value_of(MemoryMapping::anonymous(FakeGuest::high_end - FakeGuest::high_start))});
    return value_of(GuestMemory::create(std::move(regions)));
}

}  // namespace

FakeGuest::FakeGuest() : memory_(two_regions()) {}

GuestAddress FakeGuest::allocate(std::uint64_t bytes) {
    const auto address = next_free_;
    next_free_ += (bytes + 4095) / 4096 * 4096;
    if (next_free_ > low_end)
        throw std::logic_error("fake guest: out of RAM");
    return address;
}

void FakeGuest::write(GuestAddress address, std::string_view bytes) const {
    std::ranges::copy(std::as_bytes(std::span(bytes)),
                      value_of(memory_.slice(address, bytes.size())).begin());
}

std::string FakeGuest::read(GuestAddress address, std::uint64_t length) const {
    const auto bytes = value_of(memory_.slice(address, length));
    return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

ChainBuilder& ChainBuilder::readable(std::string_view bytes) {
    const auto address = ring_.buffer(bytes.size());
    ring_.guest_.write(address, bytes);
    return raw(address, static_cast<std::uint32_t>(bytes.size()));
}

ChainBuilder& ChainBuilder::writable(std::uint32_t length) {
    const auto address = ring_.buffer(length);
    ring_.guest_.write(address, std::string(length, '\xee'));
    writable_.push_back({address, length, flag_write, 0});
    return raw(address, length, flag_write);
}

ChainBuilder& ChainBuilder::raw(GuestAddress address, std::uint32_t length, std::uint16_t flags) {
    descriptors_.push_back({address, length, flags, 0});
    return *this;
}

ChainBuilder& ChainBuilder::indirect() {
    const auto length = descriptors_.size() * sizeof(vring_desc);
    const auto address = ring_.buffer(length);
    for (std::size_t i = 0; i < descriptors_.size(); ++i) {
        auto& descriptor = descriptors_[i];
        if (i + 1 < descriptors_.size()) {
            descriptor.flags |= flag_next;
            descriptor.next = static_cast<std::uint16_t>(i + 1);
        }
        if (!ring_.guest_.memory().write_object(address + i * sizeof(Descriptor), descriptor))
            throw std::logic_error("fake ring: indirect table outside RAM");
    }
    descriptors_ = {{address, static_cast<std::uint32_t>(length), flag_indirect, 0}};
    return *this;
}

std::uint16_t ChainBuilder::place() {
    if (descriptors_.empty())
        throw std::logic_error("fake ring: empty chain");
    FakeRing::InFlight entry;
    entry.writable = writable_;
    for (std::size_t i = 0; i < descriptors_.size(); ++i)
        entry.descriptors.push_back(ring_.take_descriptor());
    for (std::size_t i = 0; i < descriptors_.size(); ++i) {
        auto descriptor = descriptors_[i];
        if (i + 1 < descriptors_.size()) {
            descriptor.flags |= flag_next;
            descriptor.next = entry.descriptors[i + 1];
        }
        ring_.poke_descriptor(entry.descriptors[i], descriptor);
    }
    const auto head = entry.descriptors.front();
    ring_.in_flight_[head] = std::move(entry);
    return head;
}

std::uint16_t ChainBuilder::publish() {
    const auto head = place();
    ring_.publish_head(head);
    return head;
}

FakeRing::FakeRing(FakeGuest& guest, std::uint16_t size) : guest_(guest) {
    layout_.size = size;
    layout_.descriptor_table = guest.allocate(size * sizeof(vring_desc));
    layout_.available_ring = guest.allocate(entries_offset + size * 2U + 2);
    layout_.used_ring = guest.allocate(entries_offset + size * sizeof(vring_used_elem) + 2);
    buffers_ = guest.allocate(buffer_bytes);
    clear();
}

void FakeRing::clear() {
    free_.clear();
    in_flight_.clear();
    for (std::uint16_t i = 0; i < layout_.size; ++i)
        free_.push_back(i);
    available_index_ = kicked_index_ = collected_ = 0;
    buffers_used_ = 0;
    guest_.write(layout_.available_ring, std::string(entries_offset + layout_.size * 2U + 2, '\0'));
    guest_.write(layout_.used_ring,
                 std::string(entries_offset + layout_.size * sizeof(vring_used_elem) + 2, '\0'));
}

// Buffers follow each other in the ring's own RAM, which is used from its start again when it is full: with
// more than 1 MiB in flight, chains overwrite each other.
GuestAddress FakeRing::buffer(std::uint64_t length) {
    const auto rounded = (length + 15) / 16 * 16;
    if (rounded > buffer_bytes)
        throw std::logic_error("fake ring: buffer larger than the ring's RAM");
    if (rounded > buffer_bytes - buffers_used_)
        buffers_used_ = 0;
    return buffers_ + std::exchange(buffers_used_, buffers_used_ + rounded);
}

std::uint16_t FakeRing::take_descriptor() {
    if (free_.empty())
        throw std::logic_error("fake ring: no free descriptor");
    const auto index = free_.front();
    free_.pop_front();
    return index;
}

// The casts here are sound: rings are page-aligned and all 16-bit fields stand at even offsets.
std::atomic_ref<std::uint16_t> FakeRing::shared(GuestAddress address) const {
    const auto bytes = value_of(guest_.memory().slice(address, sizeof(std::uint16_t)));
    return std::atomic_ref<std::uint16_t>(*reinterpret_cast<std::uint16_t*>(bytes.data()));
}

void FakeRing::poke_descriptor(std::uint16_t index, const Descriptor& descriptor) const {
    static_assert(sizeof(Descriptor) == sizeof(vring_desc));
    if (!guest_.memory().write_object(layout_.descriptor_table + index * sizeof(Descriptor), descriptor))
        throw std::logic_error("fake ring: descriptor table outside RAM");
}

Descriptor FakeRing::peek_descriptor(std::uint16_t index) const {
    return value_of(
        guest_.memory().read_object<Descriptor>(layout_.descriptor_table + index * sizeof(Descriptor)));
}

void FakeRing::publish_head(std::uint16_t head) {
    const auto slot = available_index_ % layout_.size;
    shared(layout_.available_ring + entries_offset + static_cast<unsigned>(slot) * 2U) = head;
    poke_available_index(static_cast<std::uint16_t>(available_index_ + 1));
}

void FakeRing::poke_available_index(std::uint16_t index) {
    available_index_ = index;
    shared(layout_.available_ring + 2).store(index, std::memory_order_seq_cst);
}

std::uint16_t FakeRing::used_index() const {
    return shared(layout_.used_ring + 2).load(std::memory_order_acquire);
}

std::vector<UsedBuffer> FakeRing::collect_used() {
    std::vector<UsedBuffer> buffers;
    const auto end = used_index();
    while (collected_ != end)
        buffers.push_back(read_used(collected_++));
    return buffers;
}

UsedBuffer FakeRing::read_used(std::uint16_t position) {
    const auto slot = static_cast<unsigned>(position % layout_.size);
    const auto address = layout_.used_ring + entries_offset + slot * sizeof(vring_used_elem);
    const auto element = value_of(guest_.memory().read_object<vring_used_elem>(address));
    UsedBuffer buffer{static_cast<std::uint16_t>(element.id), element.len, {}};
    const auto found = in_flight_.find(buffer.head);
    if (found == in_flight_.end())
        return buffer;
    for (const auto& part : found->second.writable) {
        const auto left = buffer.written - buffer.bytes.size();
        buffer.bytes += guest_.read(part.address, std::min<std::uint64_t>(left, part.length));
    }
    free_.insert(free_.end(), found->second.descriptors.begin(), found->second.descriptors.end());
    in_flight_.erase(found);
    return buffer;
}

bool FakeRing::wants_kick(bool event_index) {
    const auto before = std::exchange(kicked_index_, available_index_);
    if (!event_index)
        return before != available_index_ &&
               (shared(layout_.used_ring).load(std::memory_order_seq_cst) & VRING_USED_F_NO_NOTIFY) == 0;
    const auto address = layout_.used_ring + entries_offset + layout_.size * sizeof(vring_used_elem);
    const auto available_event = shared(address).load(std::memory_order_seq_cst);
    return vring_need_event(available_event, available_index_, before) != 0;
}

void FakeRing::set_used_event(std::uint16_t index) const {
    shared(layout_.available_ring + entries_offset + layout_.size * 2U)
        .store(index, std::memory_order_seq_cst);
}

void FakeRing::set_no_interrupt(bool no_interrupt) const {
    shared(layout_.available_ring).store(no_interrupt ? 1 : 0, std::memory_order_seq_cst);
}

FakeDriver::FakeDriver(Device& device, std::uint64_t features, std::uint16_t max_ring_size)
    : device_(device), features_(features | std::uint64_t{1} << VIRTIO_F_VERSION_1) {
    for (const auto largest : device.queue_sizes()) {
        rings_.emplace_back(guest_, std::min(largest, max_ring_size));
        kicks_.push_back(value_of(EventFd::create()));
    }
}

Result<void> FakeDriver::activate() {
    Activation activation{&guest_.memory(), features_, &interrupt_, {}};
    for (std::size_t i = 0; i < rings_.size(); ++i) {
        auto& slot = activation.queues.emplace_back();
        if (std::ranges::find(disabled_, i) != disabled_.end())
            continue;
        NACRE_ASSIGN(auto queue, Queue::create(guest_.memory(), rings_[i].layout(), rings_[i].layout().size,
                                               (features_ >> VIRTIO_RING_F_EVENT_IDX & 1) != 0,
                                               (features_ >> VIRTIO_RING_F_INDIRECT_DESC & 1) != 0));
        slot.emplace(ActiveQueue{std::move(queue), &kicks_[i]});
    }
    active_ = true;
    auto result = device_.activate(std::move(activation));
    if (!result)
        reset();
    return result;
}

void FakeDriver::reset() {
    if (!std::exchange(active_, false))
        return;
    device_.deactivate();
    for (auto& ring : rings_)
        ring.clear();
    for (const auto& kick : kicks_)
        kick.drain();
}

}  // namespace nacre::virtio::fake
