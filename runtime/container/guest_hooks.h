#pragma once

#include <string>
#include <vector>

#include "runtime/oci/spec.h"
#include "runtime/state/container_state.h"
#include "runtime/vm/agent_connection.h"

namespace nacre::runtime {

/// Has the agent run a container's hooks of one kind in the guest, with the state as of `status` on standard
/// input, and waits for their end, no longer than guest_hooks_timeout_ms().
Result<void> run_guest_hooks(AgentConnection& agent, const std::vector<oci::Hook>& hooks,
                             const std::string& kind, const ContainerState& state, Status status);

/// How long the guest may take for them, in milliseconds: the sum of their time-outs, which the agent holds
/// them to, and some for the agent itself. -1, without end, if one of them has no time-out.
int guest_hooks_timeout_ms(const std::vector<oci::Hook>& hooks);

}  // namespace nacre::runtime
