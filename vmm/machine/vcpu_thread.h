#pragma once

#include <atomic>
#include <functional>
#include <optional>
#include <thread>

#include "vmm/base/log.h"
#include "vmm/kvm/vcpu.h"
#include "vmm/machine/exit_status.h"
#include "vmm/machine/exits.h"

namespace nacre::machine {

/// A vCPU and the thread that runs it: KVM_RUN, serve the exit, again. The thread does register accesses and
/// nothing else.
class VcpuThread {
  public:
    /// Called once, as the last thing on the vCPU's thread, with how the guest ended; with nothing if stop()
    /// or request_stop() ended it.
    using OnEnd = std::function<void(std::optional<ExitStatus>)>;

    /// `log` and what `targets` names must outlive the thread.
    VcpuThread(kvm::Vcpu vcpu, const ExitTargets& targets, Log& log);
    VcpuThread(const VcpuThread&) = delete;
    VcpuThread& operator=(const VcpuThread&) = delete;
    ~VcpuThread() { stop(); }

    /// Gives the signal that ends a KVM_RUN in progress an empty handler in this process. To be called once,
    /// before any start().
    static Result<void> install_kick_signal();

    /// `prepare` runs first on the new thread (the jail's part that is per thread).
    Result<void> start(std::function<Result<void>()> prepare, OnEnd on_end);

    /// Makes the thread end soon. From any thread, after start().
    void request_stop();

    /// request_stop(), and waits for the thread. Safe to call twice, or without start().
    void stop();

    const ExitCounts& exits() const { return exits_; }
    const kvm::Vcpu& vcpu() const { return vcpu_; }

  private:
    void run(const std::function<Result<void>()>& prepare, const OnEnd& on_end);
    std::optional<ExitStatus> run_guest();
    ExitStatus finish(ExitAction action);

    kvm::Vcpu vcpu_;
    ExitTargets targets_;
    Log& log_;
    ExitCounts exits_;
    std::atomic<bool> stopping_ = false;
    std::thread thread_;
};

}  // namespace nacre::machine
