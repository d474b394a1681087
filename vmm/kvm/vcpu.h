#pragma once

#include <linux/kvm.h>

#include <cstddef>
#include <span>

#include "vmm/base/file_descriptor.h"
#include "vmm/base/memory_mapping.h"
#include "vmm/base/result.h"

namespace nacre::kvm {

/// One virtual CPU and the page it shares with the kernel. Belongs to the thread that calls run(), but for
/// request_exit().
class Vcpu {
  public:
    static Result<Vcpu> from_fd(FileDescriptor fd, std::size_t mmap_size);

    /// KVM_SET_CPUID2.
    Result<void> set_cpuid(std::span<const kvm_cpuid_entry2> entries) const;

    /// KVM_SET_MSRS; an error names the first MSR that KVM refuses.
    Result<void> set_msrs(std::span<const kvm_msr_entry> entries) const;

    /// KVM_GET/SET_REGS, _SREGS, _FPU, _LAPIC.
    Result<void> set_regs(const kvm_regs& regs) const;
    Result<kvm_regs> regs() const;
    Result<kvm_sregs> sregs() const;
    Result<void> set_sregs(const kvm_sregs& sregs) const;
    Result<void> set_fpu(const kvm_fpu& fpu) const;
    Result<kvm_lapic_state> lapic() const;
    Result<void> set_lapic(const kvm_lapic_state& lapic) const;

    /// KVM_RUN: true when the guest stopped with an exit to be looked at in shared_page(), false when a
    /// signal or request_exit() ended the run.
    Result<bool> run() const;

    /// The exit of the last run(), and where its answer goes.
    kvm_run& shared_page() const;

    /// Makes the next run() return at once; a run() in progress needs a signal besides. From any thread.
    void request_exit() const;

    /// KVM_GET_STATS_FD: the kernel's own counters of this vCPU (halts, interrupts, faults, …).
    Result<FileDescriptor> stats() const;

  private:
    Vcpu(FileDescriptor fd, MemoryMapping shared) : fd_(std::move(fd)), shared_(std::move(shared)) {}

    FileDescriptor fd_;
    MemoryMapping shared_;
};

}  // namespace nacre::kvm
