#pragma once

#include <atomic>
#include <memory>
#include <vector>

#include "vmm/base/event_loop.h"
#include "vmm/base/log.h"
#include "vmm/bus/bus.h"
#include "vmm/kvm/vm.h"
#include "vmm/machine/exit_status.h"
#include "vmm/machine/timeline.h"
#include "vmm/machine/vcpu_thread.h"
#include "vmm/memory/guest_memory.h"

namespace nacre::machine {

/// What a VM consists of, in the order in which it is put together. Taken down the other way round: first the
/// vCPUs stop, then the devices, then memory goes.
struct MachineParts {
    std::unique_ptr<EventLoop> loop;
    std::unique_ptr<GuestMemory> memory;
    std::unique_ptr<kvm::Vm> vm;
    std::unique_ptr<Bus> mmio;
    std::vector<std::unique_ptr<VcpuThread>> vcpus;
};

/// A VM that is ready to run. Its run() is the main thread's event loop, on which the devices work.
class Machine {
  public:
    /// `log` and `timeline` must outlive the machine.
    Machine(MachineParts parts, bool jailed, Log& log, Timeline& timeline);

    /// Runs the guest until it ends, in whichever way; the vCPUs have stopped when it returns. Once only.
    Result<ExitStatus> run();

    const std::vector<std::unique_ptr<VcpuThread>>& vcpus() const { return parts_.vcpus; }

  private:
    Result<void> start_vcpus();
    void guest_ended(ExitStatus status);

    MachineParts parts_;
    bool jailed_;
    Log& log_;
    Timeline& timeline_;
    std::atomic<int> status_;
};

}  // namespace nacre::machine
