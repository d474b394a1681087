#include "vmm/devices/virtio/mmio_transport.h"

#include <linux/virtio_config.h>
#include <linux/virtio_mmio.h>

#define VIRTIO_RING_NO_LEGACY
#include <linux/virtio_ring.h>

#include <algorithm>
#include <array>
#include <bit>
#include <cstring>

namespace nacre::virtio {

namespace {

constexpr std::uint32_t vendor = 0x7263616e;  // "nacr"
constexpr std::uint16_t largest_queue_size = 32768;
constexpr std::size_t register_width = 4;

constexpr std::uint64_t bit(unsigned number) {
    return std::uint64_t{1} << number;
}

// How queues work is the transport's business, not the devices'.
constexpr std::uint64_t transport_features =
    bit(VIRTIO_F_VERSION_1) | bit(VIRTIO_RING_F_EVENT_IDX) | bit(VIRTIO_RING_F_INDIRECT_DESC);

static_assert(MmioTransport::queue_notify_offset == VIRTIO_MMIO_QUEUE_NOTIFY);

std::uint32_t low_half(std::uint64_t value) {
    return static_cast<std::uint32_t>(value);
}

std::uint32_t high_half(std::uint64_t value) {
    return static_cast<std::uint32_t>(value >> 32);
}

void set_low_half(std::uint64_t& target, std::uint32_t value) {
    target = (target & ~std::uint64_t{0xffffffff}) | value;
}

void set_high_half(std::uint64_t& target, std::uint32_t value) {
    target = low_half(target) | std::uint64_t{value} << 32;
}

bool is_register_access(std::uint64_t offset, std::size_t width) {
    return width == register_width && offset % register_width == 0;
}

}  // namespace

Result<std::unique_ptr<MmioTransport>> MmioTransport::create(const GuestMemory& memory, Device& device,
                                                             Log& log) {
    auto sizes = device.queue_sizes();
    std::vector<EventFd> kicks;
    for (const auto size : sizes) {
        if (!std::has_single_bit(size) || size > largest_queue_size)
            return fail("virtio device {}: largest queue size {} is no power of two", device.type(), size);
        NACRE_ASSIGN(auto kick, EventFd::create());
        kicks.push_back(std::move(kick));
    }
    NACRE_ASSIGN(auto line, EventFd::create());
    return std::unique_ptr<MmioTransport>(
        new MmioTransport(memory, device, log, std::move(sizes), std::move(kicks), std::move(line)));
}

MmioTransport::MmioTransport(const GuestMemory& memory, Device& device, Log& log,
                             std::vector<std::uint16_t> queue_sizes, std::vector<EventFd> kicks, EventFd line)
    : memory_(memory),
      device_(device),
      log_(log),
      queue_sizes_(std::move(queue_sizes)),
      offered_features_(device.features() | transport_features),
      shared_memory_(device.shared_memory()),
      kicks_(std::move(kicks)),
      interrupt_(std::move(line)) {
    state_.queues.resize(queue_sizes_.size());
}

MmioTransport::~MmioTransport() {
    if (active_)
        device_.deactivate();
}

void MmioTransport::read(std::uint64_t offset, std::span<std::byte> data) {
    std::ranges::fill(data, std::byte{0});
    if (offset >= VIRTIO_MMIO_CONFIG) {
        const std::lock_guard lock(mutex_);
        device_.read_config(offset - VIRTIO_MMIO_CONFIG, data);
    } else if (is_register_access(offset, data.size())) {
        const auto value = read_register(offset);
        std::memcpy(data.data(), &value, sizeof value);
    }
}

void MmioTransport::write(std::uint64_t offset, std::span<const std::byte> data) {
    if (offset >= VIRTIO_MMIO_CONFIG) {
        const std::lock_guard lock(mutex_);
        if (has_status(VIRTIO_CONFIG_S_DRIVER))
            device_.write_config(offset - VIRTIO_MMIO_CONFIG, data);
    } else if (is_register_access(offset, data.size())) {
        std::uint32_t value = 0;
        std::memcpy(&value, data.data(), sizeof value);
        write_register(offset, value);
    }
}

// The lock-free registers are those of the interrupt path, which must not wait for a reset in progress.
std::uint32_t MmioTransport::read_register(std::uint64_t offset) const {
    switch (offset) {
        case VIRTIO_MMIO_MAGIC_VALUE:
            return magic;
        case VIRTIO_MMIO_VERSION:
            return version;
        case VIRTIO_MMIO_DEVICE_ID:
            return device_.type();
        case VIRTIO_MMIO_VENDOR_ID:
            return vendor;
        case VIRTIO_MMIO_INTERRUPT_STATUS:
            return interrupt_.status();
        case VIRTIO_MMIO_CONFIG_GENERATION:
            return interrupt_.config_generation();
        default:
            return read_locked(offset);
    }
}

std::uint32_t MmioTransport::read_locked(std::uint64_t offset) const {
    const std::lock_guard lock(mutex_);
    switch (offset) {
        case VIRTIO_MMIO_DEVICE_FEATURES:
            return device_features();
        case VIRTIO_MMIO_QUEUE_NUM_MAX:
            return largest_size_of_selected_queue();
        case VIRTIO_MMIO_QUEUE_READY:
            return selected_queue_ready();
        case VIRTIO_MMIO_STATUS:
            return status();
        case VIRTIO_MMIO_SHM_LEN_LOW:
        case VIRTIO_MMIO_SHM_LEN_HIGH:
        case VIRTIO_MMIO_SHM_BASE_LOW:
        case VIRTIO_MMIO_SHM_BASE_HIGH:
            return shared_memory_register(offset);
        default:
            return 0;  // write-only or undefined
    }
}

std::uint32_t MmioTransport::device_features() const {
    switch (state_.device_features_select) {
        case 0:
            return low_half(offered_features_);
        case 1:
            return high_half(offered_features_);
        default:
            return 0;
    }
}

std::uint32_t MmioTransport::status() const {
    return state_.status | (interrupt_.needs_reset() ? VIRTIO_CONFIG_S_NEEDS_RESET : 0U);
}

std::uint32_t MmioTransport::largest_size_of_selected_queue() const {
    return state_.queue_select < queue_sizes_.size() ? queue_sizes_[state_.queue_select] : 0;
}

std::uint32_t MmioTransport::selected_queue_ready() const {
    return state_.queue_select < state_.queues.size() && state_.queues[state_.queue_select].ready ? 1 : 0;
}

// Virtio 1.2, 4.2.2: length and base of a region that does not exist read as all ones.
std::uint32_t MmioTransport::shared_memory_register(std::uint64_t offset) const {
    const auto region = std::ranges::find_if(
        shared_memory_, [&](const auto& candidate) { return candidate.id == state_.shared_memory_select; });
    if (region == shared_memory_.end())
        return 0xffffffff;
    switch (offset) {
        case VIRTIO_MMIO_SHM_LEN_LOW:
            return low_half(region->size);
        case VIRTIO_MMIO_SHM_LEN_HIGH:
            return high_half(region->size);
        case VIRTIO_MMIO_SHM_BASE_LOW:
            return low_half(region->start);
        default:
            return high_half(region->start);
    }
}

void MmioTransport::write_register(std::uint64_t offset, std::uint32_t value) {
    switch (offset) {
        case VIRTIO_MMIO_QUEUE_NOTIFY:
            if (value < kicks_.size())
                kicks_[value].signal();
            return;
        case VIRTIO_MMIO_INTERRUPT_ACK:
            return interrupt_.acknowledge(value);
        default:
            return write_locked(offset, value);
    }
}

void MmioTransport::write_locked(std::uint64_t offset, std::uint32_t value) {
    const std::lock_guard lock(mutex_);
    switch (offset) {
        case VIRTIO_MMIO_DEVICE_FEATURES_SEL:
            state_.device_features_select = value;
            return;
        case VIRTIO_MMIO_DRIVER_FEATURES_SEL:
            state_.driver_features_select = value;
            return;
        case VIRTIO_MMIO_DRIVER_FEATURES:
            return write_driver_features(value);
        case VIRTIO_MMIO_QUEUE_SEL:
            state_.queue_select = value;
            return;
        case VIRTIO_MMIO_SHM_SEL:
            state_.shared_memory_select = value;
            return;
        case VIRTIO_MMIO_STATUS:
            return write_status(value);
        default:
            return write_queue_register(offset, value);
    }
}

void MmioTransport::write_driver_features(std::uint32_t value) {
    if (!has_status(VIRTIO_CONFIG_S_DRIVER) || has_status(VIRTIO_CONFIG_S_FEATURES_OK))
        return;
    if (state_.driver_features_select == 0)
        set_low_half(state_.driver_features, value);
    else if (state_.driver_features_select == 1)
        set_high_half(state_.driver_features, value);
}

// A queue can be changed between FEATURES_OK and DRIVER_OK, and only while it is not ready. Afterwards the
// device holds a Queue made from these values, and nothing that the driver writes may reach it.
void MmioTransport::write_queue_register(std::uint64_t offset, std::uint32_t value) {
    const std::size_t index = state_.queue_select;
    if (index >= state_.queues.size() || !has_status(VIRTIO_CONFIG_S_FEATURES_OK) ||
        has_status(VIRTIO_CONFIG_S_DRIVER_OK))
        return;
    if (offset == VIRTIO_MMIO_QUEUE_READY)
        return write_queue_ready(index, value);
    if (state_.queues[index].ready)
        return;
    auto& layout = state_.queues[index].layout;
    switch (offset) {
        case VIRTIO_MMIO_QUEUE_NUM:
            // Zero for what does not fit, so that nothing is truncated into a valid size.
            layout.size = value <= queue_sizes_[index] ? static_cast<std::uint16_t>(value) : std::uint16_t{0};
            return;
        case VIRTIO_MMIO_QUEUE_DESC_LOW:
            return set_low_half(layout.descriptor_table, value);
        case VIRTIO_MMIO_QUEUE_DESC_HIGH:
            return set_high_half(layout.descriptor_table, value);
        case VIRTIO_MMIO_QUEUE_AVAIL_LOW:
            return set_low_half(layout.available_ring, value);
        case VIRTIO_MMIO_QUEUE_AVAIL_HIGH:
            return set_high_half(layout.available_ring, value);
        case VIRTIO_MMIO_QUEUE_USED_LOW:
            return set_low_half(layout.used_ring, value);
        case VIRTIO_MMIO_QUEUE_USED_HIGH:
            return set_high_half(layout.used_ring, value);
        default:
            return;  // read-only or undefined
    }
}

void MmioTransport::write_queue_ready(std::size_t index, std::uint32_t value) {
    auto& queue = state_.queues[index];
    if (value == 0)
        queue.ready = false;
    if (value != 1 || queue.ready)
        return;
    const auto made = make_queue(index);
    queue.ready = made.has_value();
    if (!made)
        log_.write(LogLevel::warning, "virtio device {}: queue {} refused: {}", device_.type(), index,
                   made.error().message);
}

// Virtio 1.2, 2.1 and 3.1.1: bits are set in this order and cleared only by a reset.
void MmioTransport::write_status(std::uint32_t value) {
    struct Step {
        std::uint32_t bit;
        std::uint32_t predecessor;
    };
    static constexpr std::array<Step, 5> steps{{{VIRTIO_CONFIG_S_ACKNOWLEDGE, 0},
                                                {VIRTIO_CONFIG_S_DRIVER, VIRTIO_CONFIG_S_ACKNOWLEDGE},
                                                {VIRTIO_CONFIG_S_FEATURES_OK, VIRTIO_CONFIG_S_DRIVER},
                                                {VIRTIO_CONFIG_S_DRIVER_OK, VIRTIO_CONFIG_S_FEATURES_OK},
                                                {VIRTIO_CONFIG_S_FAILED, 0}}};
    if (value == 0)
        return reset();
    if ((value & state_.status) != state_.status)
        return;
    for (const auto& step : steps) {
        const bool asked = (value & step.bit) != 0 && !has_status(step.bit);
        if (!asked || !has_status(step.predecessor))
            continue;
        if (step.bit == VIRTIO_CONFIG_S_FEATURES_OK && !features_acceptable())
            continue;
        state_.status |= step.bit;
        if (step.bit == VIRTIO_CONFIG_S_DRIVER_OK)
            activate();
    }
}

// Virtio 1.2, 6.1: a driver must accept VERSION_1, and nothing that was not offered.
bool MmioTransport::features_acceptable() const {
    return (state_.driver_features & ~offered_features_) == 0 &&
           (state_.driver_features & bit(VIRTIO_F_VERSION_1)) != 0;
}

Result<Queue> MmioTransport::make_queue(std::size_t index) const {
    return Queue::create(memory_, state_.queues[index].layout, queue_sizes_[index],
                         (state_.driver_features & bit(VIRTIO_RING_F_EVENT_IDX)) != 0,
                         (state_.driver_features & bit(VIRTIO_RING_F_INDIRECT_DESC)) != 0);
}

Result<void> MmioTransport::start_device() {
    Activation activation{&memory_, state_.driver_features, &interrupt_, {}};
    for (std::size_t i = 0; i < state_.queues.size(); ++i) {
        auto& slot = activation.queues.emplace_back();
        if (!state_.queues[i].ready)
            continue;
        NACRE_ASSIGN(auto queue, make_queue(i));
        slot.emplace(ActiveQueue{std::move(queue), &kicks_[i]});
    }
    return device_.activate(std::move(activation));
}

void MmioTransport::activate() {
    const auto started = start_device();
    active_ = started.has_value();
    if (active_)
        return;
    log_.write(LogLevel::error, "virtio device {}: cannot start: {}", device_.type(),
               started.error().message);
    device_.deactivate();
    interrupt_.signal_needs_reset();
}

void MmioTransport::reset() {
    if (std::exchange(active_, false))
        device_.deactivate();
    // Kicks from before the reset must not reach the device that comes after it.
    for (const auto& kick : kicks_)
        kick.drain();
    interrupt_.reset();
    state_ = MmioState{};
    state_.queues.resize(queue_sizes_.size());
}

}  // namespace nacre::virtio
