#pragma once

#include <linux/kvm.h>

#include <cstdint>
#include <functional>
#include <memory>
#include <vector>

#include "vmm/kvm/vm.h"
#include "vmm/machine/vcpu_thread.h"

namespace nacre::machine {

/// The vCPUs of a VM: those of its start, and more that are made when the VM is to have them. The guest knows
/// from the start how many there can be and brings them online itself; one that is offline waits in the
/// kernel and costs nothing.
///
/// Belongs to the main thread.
class Vcpus {
  public:
    /// `possible` is what the guest is told; `cpuid` what KVM supports. `vm`, `log` and what `targets` names
    /// outlive the object.
    Vcpus(const kvm::Vm& vm, std::vector<kvm_cpuid_entry2> cpuid, std::uint32_t possible,
          const ExitTargets& targets, Log& log);

    /// Makes vCPUs until there are `count`, at most as many as are possible. Once the others run, they run
    /// too.
    Result<void> grow_to(std::uint32_t count);

    /// Runs them, each on its thread: `prepare` and `on_end` as of VcpuThread::start.
    Result<void> start(std::function<Result<void>()> prepare, VcpuThread::OnEnd on_end);

    /// Makes all threads end soon; no more are made.
    void request_stop();

    /// To be told of each end, on the main thread. Returns how many still run.
    std::size_t one_has_ended() { return --running_; }

    std::uint32_t count() const { return static_cast<std::uint32_t>(threads_.size()); }
    const std::vector<std::unique_ptr<VcpuThread>>& threads() const { return threads_; }

  private:
    Result<kvm::Vcpu> make(std::uint32_t id) const;
    Result<void> run(VcpuThread& thread);

    const kvm::Vm& vm_;
    std::vector<kvm_cpuid_entry2> cpuid_;
    std::uint32_t possible_;
    ExitTargets targets_;
    Log& log_;
    std::function<Result<void>()> prepare_;
    VcpuThread::OnEnd on_end_;  // empty before start()
    bool stopping_ = false;
    std::size_t running_ = 0;
    std::vector<std::unique_ptr<VcpuThread>> threads_;  // last: they use the above
};

}  // namespace nacre::machine
