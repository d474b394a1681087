#include "vmm/devices/virtio/hotplug_slot.h"

#include <linux/virtio_mmio.h>

#include <algorithm>
#include <cstring>
#include <mutex>

namespace nacre::virtio {

namespace {

/// What a register of an empty slot holds; the device ID among them is 0.
std::uint32_t placeholder_register(std::uint64_t offset) {
    switch (offset) {
        case VIRTIO_MMIO_MAGIC_VALUE:
            return MmioTransport::magic;
        case VIRTIO_MMIO_VERSION:
            return MmioTransport::version;
        default:
            return 0;
    }
}

}  // namespace

void HotplugSlot::read(std::uint64_t offset, std::span<std::byte> data) {
    const std::shared_lock lock(mutex_);
    if (transport_)
        return transport_->read(offset, data);
    std::ranges::fill(data, std::byte{0});
    const auto value = placeholder_register(offset);
    if (data.size() == sizeof value)
        std::memcpy(data.data(), &value, sizeof value);
}

void HotplugSlot::write(std::uint64_t offset, std::span<const std::byte> data) {
    const std::shared_lock lock(mutex_);
    if (transport_)
        transport_->write(offset, data);
}

void HotplugSlot::attach(std::unique_ptr<Device> device, std::unique_ptr<MmioTransport> transport) {
    const std::unique_lock lock(mutex_);
    device_ = std::move(device);
    transport_ = std::move(transport);
}

Result<void> HotplugSlot::detach() {
    const std::unique_lock lock(mutex_, std::try_to_lock);
    if (!lock)
        return fail_with(EBUSY, "detach a device");
    transport_.reset();
    device_.reset();
    return {};
}

}  // namespace nacre::virtio
