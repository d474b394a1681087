#pragma once

#include <linux/kvm.h>

#include <array>
#include <atomic>
#include <cstdint>
#include <string>
#include <string_view>

#include "vmm/bus/bus.h"
#include "vmm/machine/serial_port.h"
#include "vmm/machine/timeline.h"

namespace nacre::machine {

/// Ports of the machine. Nothing else answers port I/O.
constexpr std::uint16_t kSleepPort = 0x604;  // where QEMU's machines have their ACPI PM1a control register
constexpr std::uint16_t kSleepPowerOff = 0x2000;      // SLP_EN with sleep type 0: S5
constexpr std::uint16_t kKeyboardCommandPort = 0x64;  // the i8042's status and command register
constexpr std::uint8_t kKeyboardReset = 0xfe;         // pulse the processor's reset line

/// Where the agent tells what it has come to, for the benchmark; the first of each counts.
constexpr std::uint16_t kPhasePort = 0x608;
constexpr std::uint8_t kPhaseAgentStarted = 1;
constexpr std::uint8_t kPhaseContainerStarted = 2;

/// What becomes of a vCPU after an exit.
enum class ExitAction {
    resume,
    power_off,
    reset,
    triple_fault,
    internal_error,
};

/// What exits reach besides the vCPU; shared by all vCPUs.
struct ExitTargets {
    const Bus& mmio;
    Timeline& timeline;
    SerialPort& serial;
};

/// Serves the exit in `run`, the page that KVM_RUN has just filled: does the guest's access on the bus and
/// puts the answer where the next KVM_RUN finds it, marks the phase that it tells, or takes what it sends on
/// its serial port. Accesses that nobody claims read as all ones.
ExitAction handle_exit(kvm_run& run, const ExitTargets& targets);

/// One line that says what KVM reported, for an exit that ended the guest.
std::string describe_exit(const kvm_run& run);

enum class ExitKind { mmio_read, mmio_write, port_read, port_write, interrupted, other };
constexpr std::size_t kExitKinds = 6;

ExitKind exit_kind(const kvm_run& run);
std::string_view exit_kind_name(ExitKind kind);

/// Exits of one vCPU by kind. Only its thread counts; any thread may read.
class ExitCounts {
  public:
    void add(ExitKind kind) {
        auto& counter = counters_[static_cast<std::size_t>(kind)];
        // One writer: no locked instruction is needed.
        counter.store(counter.load(std::memory_order_relaxed) + 1, std::memory_order_relaxed);
    }

    std::uint64_t get(ExitKind kind) const {
        return counters_[static_cast<std::size_t>(kind)].load(std::memory_order_relaxed);
    }

  private:
    std::array<std::atomic<std::uint64_t>, kExitKinds> counters_{};
};

}  // namespace nacre::machine
