#include "runtime/container/processes.h"

#include "runtime/container/cgroup_of.h"
#include "runtime/vm/agent_connection.h"

namespace nacre::runtime {

namespace {

constexpr int answer_timeout_ms = 10'000;

}  // namespace

Result<protocol::Processes> processes_of(const Store& store, const std::string& id) {
    NACRE_ASSIGN(const auto directory, store.open(id));
    NACRE_ASSIGN(const auto state, directory.read());
    const auto status = current_status(state);
    if (status == Status::stopped || status == Status::creating)
        return protocol::Processes{};
    NACRE_ASSIGN(auto answer, call_agent(state.vm_directory, protocol::ListProcesses{id}, answer_timeout_ms));
    auto* processes = std::get_if<protocol::Processes>(&answer);
    if (processes == nullptr)
        return fail("list processes: the guest agent gave an answer that was not asked for");
    return std::move(*processes);
}

Result<std::vector<pid_t>> host_processes_of(const Store& store, const std::string& id) {
    NACRE_ASSIGN(const auto directory, store.open(id));
    NACRE_ASSIGN(const auto state, directory.read());
    if (state.cgroup_paths.empty())
        return std::vector<pid_t>{state.relay.pid, state.vmm.pid};
    return open_cgroup(cgroup_of(state))->processes();
}

}  // namespace nacre::runtime
