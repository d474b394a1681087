#include "vmm/machine/vcpu_thread.h"

#include <pthread.h>
#include <signal.h>

#include <system_error>
#include <utility>

namespace nacre::machine {
namespace {

int kick_signal() {
    return SIGRTMIN;
}

}  // namespace

VcpuThread::VcpuThread(kvm::Vcpu vcpu, const ExitTargets& targets, Log& log)
    : vcpu_(std::move(vcpu)), targets_(targets), log_(log) {}

Result<void> VcpuThread::install_kick_signal() {
    struct sigaction action {};
    // The handler does nothing: that the signal came is what makes KVM_RUN return.
    action.sa_handler = [](int) {};
    if (::sigaction(kick_signal(), &action, nullptr) != 0)
        return fail_errno("sigaction");
    return {};
}

Result<void> VcpuThread::start(std::function<Result<void>()> prepare, OnEnd on_end) {
    try {
        thread_ = std::thread(
            [this, prepare = std::move(prepare), on_end = std::move(on_end)] { run(prepare, on_end); });
    } catch (const std::system_error& error) {
        return fail_with(error.code().value(), "starting a vCPU thread");
    }
    return {};
}

void VcpuThread::request_stop() {
    stopping_.store(true, std::memory_order_relaxed);
    // The flag in the page catches a thread on its way into KVM_RUN, the signal one that is inside.
    vcpu_.request_exit();
    ::pthread_kill(thread_.native_handle(), kick_signal());
}

void VcpuThread::stop() {
    if (!thread_.joinable())
        return;
    request_stop();
    thread_.join();
}

void VcpuThread::run(const std::function<Result<void>()>& prepare, const OnEnd& on_end) {
    ::pthread_setname_np(::pthread_self(), "vcpu");
    if (auto prepared = prepare(); !prepared) {
        log_.write(LogLevel::error, "vCPU thread: {}", prepared.error().message);
        return on_end(ExitStatus::vmm_error);
    }
    on_end(run_guest());
}

std::optional<ExitStatus> VcpuThread::run_guest() {
    auto& page = vcpu_.shared_page();
    while (!stopping_.load(std::memory_order_relaxed)) {
        const auto exited = vcpu_.run();
        if (!exited) {
            log_.write(LogLevel::error, "{}", exited.error().message);
            return ExitStatus::internal_error;
        }
        exits_.add(*exited ? exit_kind(page) : ExitKind::interrupted);
        const auto action = *exited ? handle_exit(page, targets_) : ExitAction::resume;
        if (action != ExitAction::resume)
            return finish(action);
    }
    return std::nullopt;
}

ExitStatus VcpuThread::finish(ExitAction action) {
    switch (action) {
        case ExitAction::power_off:
            return ExitStatus::power_off;
        case ExitAction::reset:
            return ExitStatus::reset;
        case ExitAction::triple_fault:
            log_.write(LogLevel::error, "the guest stopped: {}", describe_exit(vcpu_.shared_page()));
            return ExitStatus::triple_fault;
        default:
            log_.write(LogLevel::error, "the guest stopped: {}", describe_exit(vcpu_.shared_page()));
            return ExitStatus::internal_error;
    }
}

}  // namespace nacre::machine
