#include "vmm/machine/machine.h"

#include "vmm/jail/jail.h"

namespace nacre::machine {
namespace {

constexpr int kRunning = -1;

}  // namespace

Machine::Machine(MachineParts parts, bool jailed, Log& log, Timeline& timeline)
    : parts_(std::move(parts)), jailed_(jailed), log_(log), timeline_(timeline), status_(kRunning) {}

Result<ExitStatus> Machine::run() {
    if (jailed_)
        NACRE_TRY(jail::restrict_thread(jail::ThreadKind::event_loop));
    timeline_.mark(Phase::first_run);
    NACRE_TRY(start_vcpus());
    auto ran = parts_.loop->run();
    for (auto& vcpu : parts_.vcpus)
        vcpu->stop();
    timeline_.mark(Phase::end);
    NACRE_TRY(std::move(ran));
    return static_cast<ExitStatus>(status_.load());
}

Result<void> Machine::start_vcpus() {
    NACRE_TRY(VcpuThread::install_kick_signal());
    const auto prepare = [jailed = jailed_]() -> Result<void> {
        return jailed ? jail::restrict_thread(jail::ThreadKind::vcpu) : Result<void>();
    };
    for (auto& vcpu : parts_.vcpus)
        NACRE_TRY(vcpu->start(prepare, [this](ExitStatus status) { guest_ended(status); }));
    return {};
}

void Machine::guest_ended(ExitStatus status) {
    // Several vCPUs may end at the same time: the first one tells why.
    int running = kRunning;
    if (status_.compare_exchange_strong(running, static_cast<int>(status)))
        parts_.loop->stop();
}

}  // namespace nacre::machine
