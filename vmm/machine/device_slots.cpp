#include "vmm/machine/device_slots.h"

#include <algorithm>

#include "vmm/arch/memory_layout.h"

namespace nacre::machine {

namespace {

GuestAddress registers_of(std::uint32_t slot) {
    return arch::kVirtioMmioBase + slot * arch::kVirtioMmioSize;
}

GuestAddress notify_address_of(std::uint32_t slot) {
    return registers_of(slot) + virtio::MmioTransport::queue_notify_offset;
}

}  // namespace

Result<void> DeviceSlots::add(std::unique_ptr<virtio::Device> device) {
    const auto slot = count();
    NACRE_TRY(add_empty(1));
    fixed_ = count();
    return put(slot, std::move(device));
}

Result<void> DeviceSlots::add_empty(std::uint32_t more) {
    if (more > arch::kMaxVirtioDevices - count())
        return fail("more than {} virtio devices", arch::kMaxVirtioDevices);
    for (; more > 0; --more) {
        auto slot = std::make_unique<virtio::HotplugSlot>();
        NACRE_TRY(mmio_.add(registers_of(count()), virtio::MmioTransport::block_size, *slot));
        slots_.push_back(std::move(slot));
    }
    return {};
}

Result<std::uint32_t> DeviceSlots::attach(std::unique_ptr<virtio::Device> device) {
    const auto empty = std::find_if(slots_.begin() + fixed_, slots_.end(),
                                    [](const auto& slot) { return slot->device() == nullptr; });
    if (empty == slots_.end())
        return fail_with(ENOSPC, "all {} device slots of this virtual machine are in use", count() - fixed_);
    const auto slot = static_cast<std::uint32_t>(empty - slots_.begin());
    NACRE_TRY(put(slot, std::move(device)));
    return slot;
}

Result<void> DeviceSlots::put(std::uint32_t slot, std::unique_ptr<virtio::Device> device) {
    NACRE_ASSIGN(auto transport, virtio::MmioTransport::create(memory_, *device, log_));
    if (auto connected = connect(slot, *transport); !connected) {
        disconnect(slot, *transport);
        return connected;
    }
    slots_[slot]->attach(std::move(device), std::move(transport));
    return {};
}

Result<void> DeviceSlots::connect(std::uint32_t slot, const virtio::MmioTransport& transport) const {
    NACRE_TRY(vm_.add_irqfd(transport.interrupt_line(), arch::kVirtioFirstIrq + slot));
    for (std::size_t queue = 0; queue < transport.queue_count(); ++queue)
        NACRE_TRY(vm_.add_ioeventfd(transport.kick(queue), notify_address_of(slot),
                                    static_cast<std::uint32_t>(queue)));
    return {};
}

/// Also after a connect() that failed half-way: what was never added cannot be removed, and that is fine.
void DeviceSlots::disconnect(std::uint32_t slot, const virtio::MmioTransport& transport) const {
    (void)vm_.remove_irqfd(transport.interrupt_line(), arch::kVirtioFirstIrq + slot);
    for (std::size_t queue = 0; queue < transport.queue_count(); ++queue)
        (void)vm_.remove_ioeventfd(transport.kick(queue), notify_address_of(slot),
                                   static_cast<std::uint32_t>(queue));
}

Result<void> DeviceSlots::detach(std::uint32_t slot) {
    if (slot < fixed_ || slot >= count() || slots_[slot]->device() == nullptr)
        return fail_with(ENODEV, "device slot {}", slot);
    disconnect(slot, *slots_[slot]->transport());
    auto detached = slots_[slot]->detach();
    if (!detached)
        NACRE_TRY(connect(slot, *slots_[slot]->transport()));
    return detached;
}

}  // namespace nacre::machine
