#include "vmm/machine/vcpus.h"

#include <algorithm>

#include "vmm/arch/cpu_state.h"
#include "vmm/arch/cpuid.h"

namespace nacre::machine {

Vcpus::Vcpus(const kvm::Vm& vm, std::vector<kvm_cpuid_entry2> cpuid, std::uint32_t possible,
             const ExitTargets& targets, Log& log)
    : vm_(vm), cpuid_(std::move(cpuid)), possible_(possible), targets_(targets), log_(log) {}

Result<void> Vcpus::grow_to(std::uint32_t wanted) {
    if (stopping_)
        return fail_with(ESHUTDOWN, "add a vCPU");
    while (count() < std::min(wanted, possible_)) {
        NACRE_ASSIGN(auto vcpu, make(count()));
        auto thread = std::make_unique<VcpuThread>(std::move(vcpu), targets_, log_);
        if (on_end_)
            NACRE_TRY(run(*thread));
        threads_.push_back(std::move(thread));
    }
    return {};
}

Result<void> Vcpus::start(std::function<Result<void>()> prepare, VcpuThread::OnEnd on_end) {
    prepare_ = std::move(prepare);
    on_end_ = std::move(on_end);
    for (auto& thread : threads_)
        NACRE_TRY(run(*thread));
    return {};
}

Result<void> Vcpus::run(VcpuThread& thread) {
    NACRE_TRY(thread.start(prepare_, on_end_));
    ++running_;
    return {};
}

void Vcpus::request_stop() {
    stopping_ = true;
    for (auto& thread : threads_)
        thread->request_stop();
}

/// As after a reset: all but the first wait for a start-up IPI.
Result<kvm::Vcpu> Vcpus::make(std::uint32_t id) const {
    NACRE_ASSIGN(auto vcpu, vm_.create_vcpu(id));
    NACRE_TRY(vcpu.set_cpuid(arch::guest_cpuid(cpuid_, id, possible_)));
    NACRE_TRY(vcpu.set_msrs(arch::initial_msrs()));
    NACRE_TRY(vcpu.set_fpu(arch::initial_fpu()));
    NACRE_ASSIGN(const auto lapic, vcpu.lapic());
    NACRE_TRY(vcpu.set_lapic(arch::initial_lapic(lapic)));
    return vcpu;
}

}  // namespace nacre::machine
