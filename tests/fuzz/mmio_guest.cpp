#include "tests/fuzz/mmio_guest.h"

#include <linux/virtio_config.h>
#include <linux/virtio_mmio.h>

#include <array>
#include <cstring>

#include "tests/vmm/devices/virtio/fake_driver.h"

namespace nacre::fuzz {

namespace {

using virtio::MmioTransport;
using virtio::fake::Descriptor;
using virtio::fake::flag_indirect;
using virtio::fake::flag_next;
using virtio::fake::flag_write;

constexpr unsigned max_steps = 256;
constexpr unsigned max_buffers_per_chain = 5;
constexpr GuestAddress available_offset = 0x400;  // from a ring's base; descriptors stand at 0
constexpr GuestAddress used_offset = 0x800;
constexpr GuestAddress ring_bytes = 0x1000;

GuestMemory make_memory() {
    std::vector<GuestMemory::Region> regions;
    regions.push_back({0, MemoryMapping::anonymous(MmioGuest::low_end).value()});
    regions.push_back({MmioGuest::high_start,
                       MemoryMapping::anonymous(MmioGuest::high_end - MmioGuest::high_start).value()});
    return GuestMemory::create(std::move(regions)).value();
}

void write(GuestAddress address, std::span<const std::byte> bytes) {
    if (const auto target = MmioGuest::memory().slice(address, bytes.size()))
        std::ranges::copy(bytes, target->begin());
}

}  // namespace

const GuestMemory& MmioGuest::memory() {
    static const GuestMemory memory = make_memory();
    return memory;
}

MmioGuest::MmioGuest(virtio::Device& device, HostStep host_step, Settle settle)
    : log_(-1, LogLevel::error, 0),
      transport_(MmioTransport::create(memory(), device, log_).value()),
      host_step_(std::move(host_step)),
      settle_(std::move(settle)),
      rings_(transport_->queue_count()),
      next_buffer_(ring_base(rings_.size())) {
    for (const auto& region : memory().regions())
        std::memset(region.mapping.bytes().data(), 0, region.mapping.bytes().size());
}

void MmioGuest::run(Input& input) {
    for (unsigned i = 0; i < max_steps && !input.empty(); ++i) {
        step(input);
        settle_();
    }
}

void MmioGuest::step(Input& input) {
    switch (input.below(9)) {
        case 0:
            return read_registers(input);
        case 1:
            return write_registers(input);
        case 2:
            return write_memory(input);
        case 3:
            return set_register(VIRTIO_MMIO_QUEUE_NOTIFY, input.below(8));
        case 4:
            return start(input);
        case 5:
            return host_step_(input);
        case 6:
            if (input.below(8) == 0)
                set_register(VIRTIO_MMIO_STATUS, 0);
            return;
        default:
            return publish(input);
    }
}

void MmioGuest::read_registers(Input& input) {
    std::array<std::byte, 8> bytes{};
    const auto width = std::size_t{1} << input.below(4);
    transport_->read(input.take<std::uint16_t>() % MmioTransport::block_size, std::span(bytes).first(width));
}

// Half of them are 32 bits to the place of a register.
void MmioGuest::write_registers(Input& input) {
    const auto kind = input.take<std::uint8_t>();
    if ((kind & 1) != 0)
        return set_register(input.below(0x50) * 4U, input.take<std::uint32_t>());
    auto bytes = input.take<std::array<std::byte, 8>>();
    transport_->write(input.take<std::uint16_t>() % MmioTransport::block_size,
                      std::span(bytes).first(std::size_t{1} << (kind / 2 % 4)));
}

void MmioGuest::write_memory(Input& input) {
    const auto address = input.take<std::uint32_t>() % high_end;
    write(address, input.take_bytes(input.below(65)));
}

void MmioGuest::start(Input& input) {
    std::uint32_t status = VIRTIO_CONFIG_S_ACKNOWLEDGE | VIRTIO_CONFIG_S_DRIVER;
    const auto left_out = input.take<std::uint64_t>();
    set_register(VIRTIO_MMIO_STATUS, 0);
    set_register(VIRTIO_MMIO_STATUS, status);
    for (std::uint32_t half = 0; half < 2; ++half) {
        set_register(VIRTIO_MMIO_DEVICE_FEATURES_SEL, half);
        set_register(VIRTIO_MMIO_DRIVER_FEATURES_SEL, half);
        const auto wanted = half == 0 ? ~static_cast<std::uint32_t>(left_out) : ~0U;
        set_register(VIRTIO_MMIO_DRIVER_FEATURES, get_register(VIRTIO_MMIO_DEVICE_FEATURES) & wanted);
    }
    set_register(VIRTIO_MMIO_STATUS, status |= VIRTIO_CONFIG_S_FEATURES_OK);
    for (std::uint32_t i = 0; i < rings_.size(); ++i) {
        rings_[i] = Ring{};
        if ((left_out >> (32 + i) & 1) != 0)
            continue;
        const auto base = static_cast<std::uint32_t>(ring_base(i));
        write(base, std::array<std::byte, ring_bytes>());
        set_register(VIRTIO_MMIO_QUEUE_SEL, i);
        set_register(VIRTIO_MMIO_QUEUE_NUM, queue_size);
        set_register(VIRTIO_MMIO_QUEUE_DESC_LOW, base);
        set_register(VIRTIO_MMIO_QUEUE_AVAIL_LOW, base + static_cast<std::uint32_t>(available_offset));
        set_register(VIRTIO_MMIO_QUEUE_USED_LOW, base + static_cast<std::uint32_t>(used_offset));
        set_register(VIRTIO_MMIO_QUEUE_READY, 1);
    }
    set_register(VIRTIO_MMIO_STATUS, status | VIRTIO_CONFIG_S_DRIVER_OK);
}

// A chain of buffers in places that the rings do not overlap, as a rule: readable ones carry bytes of the
// input.
void MmioGuest::publish(Input& input) {
    const auto queue = input.below(static_cast<unsigned>(rings_.size()));
    auto& ring = rings_[queue];
    const auto base = ring_base(queue);
    const auto head = static_cast<std::uint16_t>(ring.next_descriptor % ring.size);
    const auto buffers = 1 + input.below(max_buffers_per_chain);
    for (unsigned i = 0; i < buffers; ++i) {
        const auto kind = input.take<std::uint8_t>();
        const std::size_t slot = ring.next_descriptor++ % ring.size;
        Descriptor descriptor;
        if ((kind & 1) != 0) {
            descriptor.length = input.take<std::uint16_t>() % 0x1100U;
            descriptor.flags = flag_write;
        } else {
            const auto bytes = input.take_bytes(input.take<std::uint8_t>());
            descriptor.length = static_cast<std::uint32_t>(bytes.size());
            write(next_buffer_, bytes);
        }
        descriptor.address = buffer(descriptor.length);
        if ((kind & 0xf0) == 0xf0) {
            descriptor.address = input.take<std::uint32_t>();
            descriptor.length = input.take<std::uint32_t>();
            descriptor.flags |= flag_indirect;
        }
        if ((kind & 0xf0) == 0xe0)
            descriptor.length = input.take<std::uint32_t>();
        if (i + 1 < buffers)
            descriptor.flags |= flag_next;
        descriptor.next = static_cast<std::uint16_t>(ring.next_descriptor % ring.size);
        write(base + slot * sizeof descriptor, std::as_bytes(std::span(&descriptor, 1)));
    }
    const std::size_t entry = ring.available % ring.size;
    write(base + available_offset + 4 + entry * sizeof head, std::as_bytes(std::span(&head, 1)));
    ++ring.available;
    write(base + available_offset + 2, std::as_bytes(std::span(&ring.available, 1)));
    set_register(VIRTIO_MMIO_QUEUE_NOTIFY, queue);
}

std::uint32_t MmioGuest::status() const {
    return get_register(VIRTIO_MMIO_STATUS);
}

bool MmioGuest::is_idle() const {
    if ((status() & VIRTIO_CONFIG_S_DRIVER_OK) == 0 || (status() & VIRTIO_CONFIG_S_NEEDS_RESET) != 0)
        return true;
    for (std::size_t i = 0; i < rings_.size(); ++i) {
        const auto used = memory().read_object<std::uint16_t>(ring_base(i) + used_offset + 2);
        if (!used || *used != rings_[i].available)
            return false;
    }
    return true;
}

void MmioGuest::set_register(std::uint64_t offset, std::uint32_t value) {
    transport_->write(offset, std::as_bytes(std::span(&value, 1)));
}

std::uint32_t MmioGuest::get_register(std::uint64_t offset) const {
    std::uint32_t value = 0;
    transport_->read(offset, std::as_writable_bytes(std::span(&value, 1)));
    return value;
}

GuestAddress MmioGuest::ring_base(std::size_t queue) const {
    return 0x1000 + queue * ring_bytes;
}

// One after another, and from the first again when the RAM is full.
GuestAddress MmioGuest::buffer(std::uint32_t length) {
    const auto rounded = (length + 15U) / 16U * 16U;
    if (next_buffer_ + 2 * 0x1100 > low_end)
        next_buffer_ = ring_base(rings_.size());
    const auto address = next_buffer_;
    next_buffer_ += rounded;
    return address;
}

}  // namespace nacre::fuzz
