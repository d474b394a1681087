#include "vmm/machine/machine.h"

#include "vmm/jail/jail.h"

namespace nacre::machine {

Machine::Machine(MachineParts parts, bool jailed, Timeline& timeline)
    : parts_(std::move(parts)), jailed_(jailed), timeline_(timeline) {}

Result<ExitStatus> Machine::run() {
    if (jailed_)
        NACRE_TRY(jail::restrict_thread(jail::ThreadKind::event_loop));
    timeline_.mark(Phase::first_run);
    NACRE_TRY(start_vcpus());
    NACRE_TRY(parts_.loop->run());
    timeline_.mark(Phase::end);
    return status_.value_or(ExitStatus::vmm_error);
}

Result<void> Machine::start_vcpus() {
    NACRE_TRY(VcpuThread::install_kick_signal());
    const auto prepare = [jailed = jailed_]() -> Result<void> {
        return jailed ? jail::restrict_thread(jail::ThreadKind::vcpu) : Result<void>();
    };
    const auto on_end = [this](std::optional<ExitStatus> status) {
        parts_.loop->post([this, status] { vcpu_ended(status); });
    };
    return parts_.vcpus->start(prepare, on_end);
}

void Machine::vcpu_ended(std::optional<ExitStatus> status) {
    // Several vCPUs may end the guest at the same time: the first one tells why.
    if (status && !status_) {
        status_ = status;
        parts_.vcpus->request_stop();
    }
    // The loop goes on until the last thread is through: one may be waiting in a register access for a device
    // to stop, which happens on this loop.
    if (parts_.vcpus->one_has_ended() == 0)
        parts_.loop->stop();
}

}  // namespace nacre::machine
