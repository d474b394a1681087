#include "runtime/container/start.h"

#include <algorithm>

#include "runtime/container/guest_hooks.h"
#include "runtime/container/host_hooks.h"
#include "runtime/container/lifecycle.h"
#include "runtime/container/network_namespace.h"
#include "runtime/container/rate_limits.h"
#include "runtime/container/saved_config.h"
#include "runtime/container/teardown.h"
#include "runtime/container/vm_size.h"
#include "runtime/network/network.h"
#include "runtime/vm/agent_connection.h"

namespace nacre::runtime {

namespace {

constexpr int lock_timeout_ms = 30'000;
constexpr int answer_timeout_ms = 60'000;

/// Of each network interface; each has a thread of nacre-vmm or of the host's kernel.
constexpr std::uint32_t max_queue_pairs = 4;

/// Only now: docker moves its interfaces into the namespace between `create` and `start`. Remembers them for
/// the relay, which gives them back at the end.
Result<void> connect_interfaces(const ContainerDirectory& directory, const oci::Spec& spec,
                                ContainerState& state) {
    // A pod has the interfaces of its sandbox.
    if (!state.sandbox_id.empty() || wants_host_network(spec))
        return {};
    NACRE_ASSIGN(const auto limits, rate_limits(spec.annotations));
    NACRE_ASSIGN(const auto relay, open_process(state.relay));
    const auto vcpus = vm_size(spec, host_size()).vcpus;
    NACRE_ASSIGN(state.interfaces,
                 connect_network({relay.get(), state.vm_directory, state.id, std::min(vcpus, max_queue_pairs),
                                  limits.receive, limits.transmit}));
    return state.interfaces.empty() ? Result<void>() : directory.write(state);
}

/// One without its network is stopped, and one whose state says that it does not run.
tl::unexpected<Error> stop_for(const ContainerState& state, Error reason) {
    [[maybe_unused]] const auto stopped = stop_processes(state);
    return tl::unexpected(std::move(reason));
}

/// "… stop the container, and continue the lifecycle at step 12": one whose hook failed is destroyed
/// (runtime.md, steps 7 and 9).
tl::unexpected<Error> delete_for(const Store& store, const ContainerDirectory& directory,
                                 const ContainerState& state, Error reason, const Warn& warn) {
    [[maybe_unused]] const auto stopped = stop_processes(state);
    directory.unlock();
    if (auto deleted = delete_container(store, state.id, true, warn); !deleted && warn)
        warn(deleted.error().message);
    return tl::unexpected(std::move(reason));
}

}  // namespace

Result<Started> begin_start(const Store& store, const std::string& id, const Warn& warn) {
    NACRE_ASSIGN(const auto directory, store.open(id));
    NACRE_TRY(directory.lock(lock_timeout_ms));
    NACRE_ASSIGN(auto state, directory.read());
    NACRE_TRY(check_can_start(current_status(state)));
    NACRE_ASSIGN(const auto spec, load_saved_config(directory));
    NACRE_ASSIGN(auto agent,
                 AgentConnection::connect(state.vm_directory, protocol::control_port, answer_timeout_ms));
    if (auto connected = connect_interfaces(directory, spec, state); !connected)
        return stop_for(state, std::move(connected).error());
    if (auto hooked =
            run_guest_hooks(agent, spec.hooks.start_container, "startContainer", state, Status::created);
        !hooked)
        return delete_for(store, directory, state, std::move(hooked).error(), warn);
    NACRE_ASSIGN(auto readiness, Readiness::watch(state.vm_directory, id));
    NACRE_TRY(agent.call(protocol::StartContainer{id}, answer_timeout_ms));
    state.status = Status::running;
    if (auto written = directory.write(state); !written)
        return stop_for(state, std::move(written).error());
    if (auto hooked = run_host_hooks(spec.hooks.poststart, "poststart", state, Status::running); !hooked)
        return delete_for(store, directory, state, std::move(hooked).error(), warn);
    return Started{state.relay.pid, std::move(readiness)};
}

Result<void> start(const Store& store, const std::string& id, const Warn& warn) {
    NACRE_ASSIGN(auto started, begin_start(store, id, warn));
    NACRE_ASSIGN(const bool told, started.readiness.wait_and_tell(started.relay));
    return told ? started.readiness.settle() : Result<void>();
}

}  // namespace nacre::runtime
