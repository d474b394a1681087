#include "vmm/kvm/kvm.h"

#include "vmm/kvm/entry_list.h"
#include "vmm/kvm/ioctl.h"

namespace nacre::kvm {
namespace {

struct RequiredCapability {
    int number;
    const char* name;
};

constexpr RequiredCapability kRequired[] = {
    {KVM_CAP_IRQCHIP, "KVM_CAP_IRQCHIP"},
    {KVM_CAP_USER_MEMORY, "KVM_CAP_USER_MEMORY"},
    {KVM_CAP_EXT_CPUID, "KVM_CAP_EXT_CPUID"},
    {KVM_CAP_IRQFD, "KVM_CAP_IRQFD"},
    {KVM_CAP_IOEVENTFD, "KVM_CAP_IOEVENTFD"},
    {KVM_CAP_IMMEDIATE_EXIT, "KVM_CAP_IMMEDIATE_EXIT"},
    {KVM_CAP_ADJUST_CLOCK, "KVM_CAP_ADJUST_CLOCK"},
    // Without it the guest would calibrate its timer against a PIT, which it has not.
    {KVM_CAP_TSC_DEADLINE_TIMER, "KVM_CAP_TSC_DEADLINE_TIMER"},
};

constexpr std::size_t kMaxCpuidEntries = 256;

}  // namespace

Result<Kvm> Kvm::from_fd(FileDescriptor fd) {
    Kvm kvm(std::move(fd));
    NACRE_TRY(kvm.check());
    return kvm;
}

Result<void> Kvm::check() const {
    NACRE_ASSIGN(const int version, NACRE_KVM_IOCTL(fd_.get(), KVM_GET_API_VERSION, 0));
    if (version != KVM_API_VERSION)
        return fail("KVM has API version {}, not {}", version, KVM_API_VERSION);
    std::string missing;
    for (const auto& required : kRequired)
        if (capability(required.number) == 0)
            missing += std::string(" ") + required.name;
    if (!missing.empty())
        return fail("the host's KVM lacks{}", missing);
    return {};
}

int Kvm::capability(int number) const {
    const int value = ::ioctl(fd_.get(), KVM_CHECK_EXTENSION, number);
    return value < 0 ? 0 : value;
}

Result<std::vector<kvm_cpuid_entry2>> Kvm::supported_cpuid() const {
    EntryList<kvm_cpuid_entry2> cpuid(kMaxCpuidEntries);
    NACRE_TRY(checked_ioctl(fd_.get(), kGetSupportedCpuid, "KVM_GET_SUPPORTED_CPUID", cpuid.header()));
    return std::vector(cpuid.entries(), cpuid.entries() + cpuid.header()->count);
}

Result<Vm> Kvm::create_vm() const {
    NACRE_ASSIGN(const int vcpu_size, NACRE_KVM_IOCTL(fd_.get(), KVM_GET_VCPU_MMAP_SIZE, 0));
    NACRE_ASSIGN(const int vm, NACRE_KVM_IOCTL(fd_.get(), KVM_CREATE_VM, 0));
    return Vm(FileDescriptor(vm), static_cast<std::size_t>(vcpu_size));
}

}  // namespace nacre::kvm
