#include "runtime/container/hooks.h"
#include "runtime/container/lifecycle.h"
#include "runtime/container/saved_config.h"
#include "runtime/vm/agent_connection.h"

namespace nacre::runtime {

namespace {

constexpr int lock_timeout_ms = 30'000;
constexpr int answer_timeout_ms = 60'000;

}  // namespace

Result<void> start(const Store& store, const std::string& id) {
    NACRE_ASSIGN(const auto directory, store.open(id));
    NACRE_TRY(directory.lock(lock_timeout_ms));
    NACRE_ASSIGN(auto state, directory.read());
    NACRE_TRY(check_can_start(current_status(state)));
    NACRE_ASSIGN(auto agent,
                 AgentConnection::connect(state.vm_directory, protocol::control_port, answer_timeout_ms));
    NACRE_TRY(agent.call(protocol::StartContainer{id}, answer_timeout_ms));
    state.status = Status::running;
    NACRE_TRY(directory.write(state));
    NACRE_ASSIGN(const auto spec, load_saved_config(directory));
    return run_hooks(spec.hooks.poststart, "poststart", oci_state_json(state, Status::running, false),
                     state.bundle);
}

}  // namespace nacre::runtime
