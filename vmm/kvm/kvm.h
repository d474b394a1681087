#pragma once

#include <linux/kvm.h>

#include <vector>

#include "vmm/base/file_descriptor.h"
#include "vmm/base/result.h"
#include "vmm/kvm/vm.h"

namespace nacre::kvm {

/// An open /dev/kvm: what the host's KVM is able to do, and where VMs come from.
/// Source of all classes in this folder: Documentation/virt/kvm/api.rst and <linux/kvm.h>.
class Kvm {
  public:
    /// Takes an open /dev/kvm. Fails when the API version is not 12 or a capability that the VMM relies on is
    /// missing; the message names all missing ones.
    static Result<Kvm> from_fd(FileDescriptor fd);

    /// KVM_CHECK_EXTENSION: 0 when the capability is missing or unknown.
    int capability(int number) const;

    /// KVM_GET_SUPPORTED_CPUID: every leaf that this host's KVM can show to a guest.
    Result<std::vector<kvm_cpuid_entry2>> supported_cpuid() const;

    /// KVM_CREATE_VM, with room in each vCPU for what KVM_GET_VCPU_MMAP_SIZE says.
    Result<Vm> create_vm() const;

  private:
    explicit Kvm(FileDescriptor fd) : fd_(std::move(fd)) {}
    Result<void> check() const;

    FileDescriptor fd_;
};

}  // namespace nacre::kvm
