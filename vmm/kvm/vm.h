#pragma once

#include <linux/kvm.h>

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>

#include "vmm/base/event_fd.h"
#include "vmm/base/file_descriptor.h"
#include "vmm/base/result.h"
#include "vmm/kvm/vcpu.h"

namespace nacre::kvm {

/// One virtual machine: its memory slots, interrupt controllers and event descriptors. All functions are safe
/// from any thread, as the kernel locks for itself.
class Vm {
  public:
    Vm(FileDescriptor fd, std::size_t vcpu_mmap_size) : fd_(std::move(fd)), vcpu_mmap_size_(vcpu_mmap_size) {}

    /// KVM_SET_USER_MEMORY_REGION: guest-physical [guest_address, + memory.size()) is `memory`, which must
    /// stay mapped for as long as the VM runs. An empty `memory` removes the slot.
    Result<void> set_memory_slot(std::uint32_t slot, std::uint64_t guest_address,
                                 std::span<std::byte> memory) const;

    /// KVM_SET_TSS_ADDR and KVM_SET_IDENTITY_MAP_ADDR: four pages of guest-physical space that Intel
    /// processors need for real mode; they must be outside RAM and devices.
    Result<void> set_tss_address(std::uint32_t address) const;
    Result<void> set_identity_map_address(std::uint64_t address) const;

    /// KVM_CREATE_IRQCHIP: PIC, IOAPIC and, in each vCPU made afterwards, a local APIC. No PIT.
    Result<void> create_irqchip() const;

    /// KVM_CAP_PMU_CAPABILITY: no performance counters in vCPUs made afterwards. Hosts without the capability
    /// (before Linux 5.18) are left as they are.
    void disable_pmu() const;

    /// KVM_IRQFD: a signal on `event` is an edge on line `gsi`, until it is removed.
    Result<void> add_irqfd(const EventFd& event, std::uint32_t gsi) const;
    Result<void> remove_irqfd(const EventFd& event, std::uint32_t gsi) const;

    /// KVM_IOEVENTFD: a 4-byte guest write of `value` at MMIO `address` signals `event` and is not an exit,
    /// until it is removed.
    Result<void> add_ioeventfd(const EventFd& event, std::uint64_t address, std::uint32_t value) const;
    Result<void> remove_ioeventfd(const EventFd& event, std::uint64_t address, std::uint32_t value) const;

    /// KVM_CREATE_VCPU. `id` is the APIC ID.
    Result<Vcpu> create_vcpu(std::uint32_t id) const;

  private:
    Result<void> change_irqfd(const EventFd& event, std::uint32_t gsi, std::uint32_t flags) const;
    Result<void> change_ioeventfd(const EventFd& event, std::uint64_t address, std::uint32_t value,
                                  std::uint32_t flags) const;

    FileDescriptor fd_;
    std::size_t vcpu_mmap_size_;
};

}  // namespace nacre::kvm
