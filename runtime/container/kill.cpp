#include <signal.h>

#include "runtime/container/lifecycle.h"
#include "runtime/vm/agent_connection.h"
#include "vmm/base/pidfd.h"

namespace nacre::runtime {

namespace {

constexpr int answer_timeout_ms = 5'000;

Result<void> signal_in_guest(const ContainerState& state, int signal, bool all) {
    const protocol::SignalProcess request{{state.id, ""}, static_cast<std::uint32_t>(signal), all};
    NACRE_TRY(call_agent(state.vm_directory, request, answer_timeout_ms));
    return {};
}

/// For a guest that does not answer: the end of its VM is the end of all in it.
Result<void> kill_vmm(const ContainerState& state) {
    const auto pidfd = open_process(state.vmm);
    if (!pidfd)
        return {};
    return send_signal(pidfd->get(), SIGKILL);
}

}  // namespace

Result<void> kill(const Store& store, const std::string& id, int signal, bool all) {
    NACRE_ASSIGN(const auto directory, store.open(id));
    NACRE_ASSIGN(const auto state, directory.read());
    const auto status = current_status(state);
    if (status == Status::stopped && all)
        return {};
    NACRE_TRY(check_can_kill(status));
    const auto sent = signal_in_guest(state, signal, all);
    // A pod's other containers have done nothing.
    if (sent || signal != SIGKILL || !state.sandbox_id.empty())
        return sent;
    return kill_vmm(state);
}

}  // namespace nacre::runtime
