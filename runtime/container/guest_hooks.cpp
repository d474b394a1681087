#include "runtime/container/guest_hooks.h"

#include <algorithm>
#include <limits>

namespace nacre::runtime {

namespace {

constexpr std::int64_t answer_timeout_ms = 60'000;

}  // namespace

int guest_hooks_timeout_ms(const std::vector<oci::Hook>& hooks) {
    std::int64_t milliseconds = answer_timeout_ms;
    for (const auto& hook : hooks) {
        if (!hook.timeout)
            return -1;
        milliseconds += std::int64_t{*hook.timeout} * 1000;
    }
    return static_cast<int>(std::min<std::int64_t>(milliseconds, std::numeric_limits<int>::max()));
}

Result<void> run_guest_hooks(AgentConnection& agent, const std::vector<oci::Hook>& hooks,
                             const std::string& kind, const ContainerState& state, Status status) {
    if (hooks.empty())
        return {};
    const auto text = oci_state_json(state, status, false);
    NACRE_TRY(agent.call(protocol::RunHooks{state.id, kind, text}, guest_hooks_timeout_ms(hooks)));
    return {};
}

}  // namespace nacre::runtime
