#pragma once

#include <memory>
#include <optional>
#include <vector>

#include "vmm/base/event_loop.h"
#include "vmm/bus/bus.h"
#include "vmm/control/server.h"
#include "vmm/devices/block/ring_pool.h"
#include "vmm/kvm/vm.h"
#include "vmm/machine/device_slots.h"
#include "vmm/machine/exit_status.h"
#include "vmm/machine/later_memory.h"
#include "vmm/machine/lifeline.h"
#include "vmm/machine/timeline.h"
#include "vmm/machine/vcpus.h"
#include "vmm/memory/guest_memory.h"

namespace nacre::machine {

/// What a VM consists of, in the order in which it is put together. Taken down the other way round: first the
/// vCPUs, then who changes the machine, then the devices, which stop with their register blocks, and memory
/// last.
struct MachineParts {
    std::unique_ptr<EventLoop> loop;
    std::unique_ptr<GuestMemory> memory;
    std::unique_ptr<kvm::Vm> vm;
    std::unique_ptr<MemorySlots> memory_slots;
    std::unique_ptr<Bus> mmio;
    std::unique_ptr<SerialPort> serial = std::make_unique<SerialPort>();
    std::unique_ptr<block::RingPool> disk_rings;
    std::unique_ptr<DeviceSlots> slots;
    std::unique_ptr<LaterMemory> later_memory;
    std::unique_ptr<control::Server> control;
    std::unique_ptr<Lifeline> lifeline;
    std::unique_ptr<Vcpus> vcpus;
};

/// A VM that is ready to run. Its run() is the main thread's event loop, on which the devices work.
class Machine {
  public:
    /// `timeline` must outlive the machine.
    Machine(MachineParts parts, bool jailed, Timeline& timeline);

    /// Runs the guest until it ends, in whichever way; the vCPUs have stopped when it returns. Once only.
    Result<ExitStatus> run();

    /// What the guest sent on its serial port last.
    std::string serial_text() const { return parts_.serial->text(); }

    const std::vector<std::unique_ptr<VcpuThread>>& vcpus() const { return parts_.vcpus->threads(); }

  private:
    Result<void> start_vcpus();
    void vcpu_ended(std::optional<ExitStatus> status);

    MachineParts parts_;
    bool jailed_;
    Timeline& timeline_;

    std::optional<ExitStatus> status_;  // the loop's thread only
};

}  // namespace nacre::machine
