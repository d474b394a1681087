#include "vmm/kvm/vcpu.h"

#include <sys/mman.h>

#include <atomic>

#include "vmm/kvm/entry_list.h"
#include "vmm/kvm/ioctl.h"

namespace nacre::kvm {

Result<Vcpu> Vcpu::from_fd(FileDescriptor fd, std::size_t mmap_size) {
    if (mmap_size < sizeof(kvm_run))
        return fail("KVM_GET_VCPU_MMAP_SIZE: {} bytes are less than struct kvm_run", mmap_size);
    NACRE_ASSIGN(auto shared,
                 MemoryMapping::file(fd.get(), 0, mmap_size, PROT_READ | PROT_WRITE, MAP_SHARED));
    return Vcpu(std::move(fd), std::move(shared));
}

Result<void> Vcpu::set_cpuid(std::span<const kvm_cpuid_entry2> entries) const {
    EntryList<kvm_cpuid_entry2> cpuid(entries);
    NACRE_TRY(checked_ioctl(fd_.get(), kSetCpuid2, "KVM_SET_CPUID2", cpuid.header()));
    return {};
}

Result<void> Vcpu::set_msrs(std::span<const kvm_msr_entry> entries) const {
    EntryList<kvm_msr_entry> msrs(entries);
    NACRE_ASSIGN(const int written, checked_ioctl(fd_.get(), kSetMsrs, "KVM_SET_MSRS", msrs.header()));
    if (static_cast<std::size_t>(written) < entries.size())
        return fail("KVM_SET_MSRS: KVM refuses MSR {:#x}", entries[static_cast<std::size_t>(written)].index);
    return {};
}

Result<void> Vcpu::set_regs(const kvm_regs& regs) const {
    NACRE_TRY(NACRE_KVM_IOCTL(fd_.get(), KVM_SET_REGS, &regs));
    return {};
}

Result<kvm_regs> Vcpu::regs() const {
    kvm_regs regs{};
    NACRE_TRY(NACRE_KVM_IOCTL(fd_.get(), KVM_GET_REGS, &regs));
    return regs;
}

Result<kvm_sregs> Vcpu::sregs() const {
    kvm_sregs sregs{};
    NACRE_TRY(NACRE_KVM_IOCTL(fd_.get(), KVM_GET_SREGS, &sregs));
    return sregs;
}

Result<void> Vcpu::set_sregs(const kvm_sregs& sregs) const {
    NACRE_TRY(NACRE_KVM_IOCTL(fd_.get(), KVM_SET_SREGS, &sregs));
    return {};
}

Result<void> Vcpu::set_fpu(const kvm_fpu& fpu) const {
    NACRE_TRY(NACRE_KVM_IOCTL(fd_.get(), KVM_SET_FPU, &fpu));
    return {};
}

Result<kvm_lapic_state> Vcpu::lapic() const {
    kvm_lapic_state lapic{};
    NACRE_TRY(NACRE_KVM_IOCTL(fd_.get(), KVM_GET_LAPIC, &lapic));
    return lapic;
}

Result<void> Vcpu::set_lapic(const kvm_lapic_state& lapic) const {
    NACRE_TRY(NACRE_KVM_IOCTL(fd_.get(), KVM_SET_LAPIC, &lapic));
    return {};
}

Result<bool> Vcpu::run() const {
    if (::ioctl(fd_.get(), KVM_RUN, 0) == 0)
        return true;
    // EAGAIN: the vCPU was waiting for its start-up IPI and has just got it.
    if (errno == EINTR || errno == EAGAIN)
        return false;
    return fail_errno("KVM_RUN");
}

kvm_run& Vcpu::shared_page() const {
    // The kernel defines the start of the mapping as a struct kvm_run.
    return *reinterpret_cast<kvm_run*>(shared_.bytes().data());
}

void Vcpu::request_exit() const {
    // Another thread may be inside KVM_RUN: the kernel reads the byte once, on entry.
    std::atomic_ref(shared_page().immediate_exit).store(1, std::memory_order_relaxed);
}

Result<FileDescriptor> Vcpu::stats() const {
    NACRE_ASSIGN(const int fd, NACRE_KVM_IOCTL(fd_.get(), KVM_GET_STATS_FD, 0));
    return FileDescriptor(fd);
}

}  // namespace nacre::kvm
