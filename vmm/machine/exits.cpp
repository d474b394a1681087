#include "vmm/machine/exits.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstring>
#include <span>

namespace nacre::machine {
namespace {

constexpr std::byte kAllOnes{0xff};

/// The data of a port access lies in the same mapping as `run`, where the kernel says (api.rst, KVM_EXIT_IO).
std::span<std::byte> port_data(kvm_run& run) {
    auto* start = reinterpret_cast<std::byte*>(&run) + run.io.data_offset;
    return {start, std::size_t{run.io.size} * run.io.count};
}

void read_port(std::uint16_t port, std::span<std::byte> data) {
    // An i8042 with nothing pending: the kernel waits for that before it asks for a reset.
    std::ranges::fill(data, port == kKeyboardCommandPort ? std::byte{0} : kAllOnes);
}

void mark_phase(std::uint32_t value, Timeline& timeline) {
    if (value == kPhaseAgentStarted)
        timeline.mark(Phase::agent_started);
    if (value == kPhaseContainerStarted)
        timeline.mark(Phase::container_started);
}

ExitAction write_port(std::uint16_t port, std::span<const std::byte> data, const ExitTargets& targets) {
    std::uint32_t value = 0;
    std::memcpy(&value, data.data(), std::min(data.size(), sizeof(value)));
    if (port == kSleepPort && data.size() == 2 && value == kSleepPowerOff)
        return ExitAction::power_off;
    if (port == kKeyboardCommandPort && data.size() == 1 && value == kKeyboardReset)
        return ExitAction::reset;
    if (port == kPhasePort && data.size() == 1)
        mark_phase(value, targets.timeline);
    if (port == SerialPort::transmit_port && data.size() == 1)
        targets.serial.transmit(data);
    return ExitAction::resume;
}

/// A string instruction brings `count` accesses of `size` bytes at once.
ExitAction handle_port_access(kvm_run& run, const ExitTargets& targets) {
    auto data = port_data(run);
    for (; !data.empty(); data = data.subspan(run.io.size)) {
        const auto access = data.first(run.io.size);
        if (run.io.direction == KVM_EXIT_IO_IN)
            read_port(run.io.port, access);
        else if (const auto action = write_port(run.io.port, access, targets); action != ExitAction::resume)
            return action;
    }
    return ExitAction::resume;
}

ExitAction handle_mmio_access(kvm_run& run, const Bus& mmio) {
    const auto data = std::as_writable_bytes(std::span(run.mmio.data))
                          .first(std::min<std::size_t>(run.mmio.len, sizeof(run.mmio.data)));
    // Whether anybody answered makes no difference to the guest: unclaimed reads give all ones.
    if (run.mmio.is_write != 0)
        mmio.write(run.mmio.phys_addr, data);
    else
        mmio.read(run.mmio.phys_addr, data);
    return ExitAction::resume;
}

}  // namespace

ExitAction handle_exit(kvm_run& run, const ExitTargets& targets) {
    switch (run.exit_reason) {
        case KVM_EXIT_MMIO:
            return handle_mmio_access(run, targets.mmio);
        case KVM_EXIT_IO:
            return handle_port_access(run, targets);
        case KVM_EXIT_SHUTDOWN:
            return ExitAction::triple_fault;
        case KVM_EXIT_INTR:
            return ExitAction::resume;
        default:
            return ExitAction::internal_error;
    }
}

std::string describe_exit(const kvm_run& run) {
    switch (run.exit_reason) {
        case KVM_EXIT_SHUTDOWN:
            return "triple fault";
        case KVM_EXIT_INTERNAL_ERROR:
            return fmt::format("KVM internal error {} (KVM_INTERNAL_ERROR_*)", run.internal.suberror);
        case KVM_EXIT_FAIL_ENTRY:
            return fmt::format("the processor refused to enter the guest, reason {:#x}",
                               run.fail_entry.hardware_entry_failure_reason);
        default:
            return fmt::format("exit {} from KVM, which nothing here handles", run.exit_reason);
    }
}

ExitKind exit_kind(const kvm_run& run) {
    switch (run.exit_reason) {
        case KVM_EXIT_MMIO:
            return run.mmio.is_write != 0 ? ExitKind::mmio_write : ExitKind::mmio_read;
        case KVM_EXIT_IO:
            return run.io.direction == KVM_EXIT_IO_OUT ? ExitKind::port_write : ExitKind::port_read;
        case KVM_EXIT_INTR:
            return ExitKind::interrupted;
        default:
            return ExitKind::other;
    }
}

std::string_view exit_kind_name(ExitKind kind) {
    constexpr std::array<std::string_view, kExitKinds> kNames = {"mmio_read",  "mmio_write",  "port_read",
                                                                 "port_write", "interrupted", "other"};
    return kNames[static_cast<std::size_t>(kind)];
}

}  // namespace nacre::machine
