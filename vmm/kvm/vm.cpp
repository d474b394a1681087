#include "vmm/kvm/vm.h"

#include "vmm/kvm/ioctl.h"

namespace nacre::kvm {

Result<void> Vm::set_memory_slot(std::uint32_t slot, std::uint64_t guest_address,
                                 std::span<std::byte> memory) const {
    kvm_userspace_memory_region region{};
    region.slot = slot;
    region.guest_phys_addr = guest_address;
    region.memory_size = memory.size();
    // The kernel takes user addresses as numbers.
    region.userspace_addr = reinterpret_cast<std::uintptr_t>(memory.data());
    NACRE_TRY(NACRE_KVM_IOCTL(fd_.get(), KVM_SET_USER_MEMORY_REGION, &region));
    return {};
}

Result<void> Vm::set_tss_address(std::uint32_t address) const {
    NACRE_TRY(NACRE_KVM_IOCTL(fd_.get(), KVM_SET_TSS_ADDR, static_cast<unsigned long>(address)));
    return {};
}

Result<void> Vm::set_identity_map_address(std::uint64_t address) const {
    NACRE_TRY(NACRE_KVM_IOCTL(fd_.get(), KVM_SET_IDENTITY_MAP_ADDR, &address));
    return {};
}

Result<void> Vm::create_irqchip() const {
    NACRE_TRY(NACRE_KVM_IOCTL(fd_.get(), KVM_CREATE_IRQCHIP, 0));
    return {};
}

void Vm::disable_pmu() const {
    kvm_enable_cap capability{};
    capability.cap = KVM_CAP_PMU_CAPABILITY;
    capability.args[0] = KVM_PMU_CAP_DISABLE;
    ::ioctl(fd_.get(), KVM_ENABLE_CAP, &capability);
}

Result<void> Vm::change_irqfd(const EventFd& event, std::uint32_t gsi, std::uint32_t flags) const {
    kvm_irqfd irqfd{};
    irqfd.fd = static_cast<std::uint32_t>(event.fd());
    irqfd.gsi = gsi;
    irqfd.flags = flags;
    NACRE_TRY(NACRE_KVM_IOCTL(fd_.get(), KVM_IRQFD, &irqfd));
    return {};
}

Result<void> Vm::add_irqfd(const EventFd& event, std::uint32_t gsi) const {
    return change_irqfd(event, gsi, 0);
}

Result<void> Vm::remove_irqfd(const EventFd& event, std::uint32_t gsi) const {
    return change_irqfd(event, gsi, KVM_IRQFD_FLAG_DEASSIGN);
}

Result<void> Vm::change_ioeventfd(const EventFd& event, std::uint64_t address, std::uint32_t value,
                                  std::uint32_t flags) const {
    kvm_ioeventfd ioeventfd{};
    ioeventfd.datamatch = value;
    ioeventfd.addr = address;
    ioeventfd.len = sizeof(value);
    ioeventfd.fd = event.fd();
    ioeventfd.flags = KVM_IOEVENTFD_FLAG_DATAMATCH | flags;
    NACRE_TRY(NACRE_KVM_IOCTL(fd_.get(), KVM_IOEVENTFD, &ioeventfd));
    return {};
}

Result<void> Vm::add_ioeventfd(const EventFd& event, std::uint64_t address, std::uint32_t value) const {
    return change_ioeventfd(event, address, value, 0);
}

Result<void> Vm::remove_ioeventfd(const EventFd& event, std::uint64_t address, std::uint32_t value) const {
    return change_ioeventfd(event, address, value, KVM_IOEVENTFD_FLAG_DEASSIGN);
}

Result<Vcpu> Vm::create_vcpu(std::uint32_t id) const {
    NACRE_ASSIGN(const int fd, NACRE_KVM_IOCTL(fd_.get(), KVM_CREATE_VCPU, static_cast<unsigned long>(id)));
    return Vcpu::from_fd(FileDescriptor(fd), vcpu_mmap_size_);
}

}  // namespace nacre::kvm
