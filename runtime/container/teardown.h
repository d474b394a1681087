#pragma once

#include "runtime/state/store.h"

namespace nacre::runtime {

/// Ends the relay and the VMM of a container; its directory and cgroups stay.
Result<void> stop_processes(const ContainerState& state);

/// Ends every process of the container and waits for that (bounded), removes its cgroup and its state
/// directory. `state` may be only partly filled in (a create that was cut off).
Result<void> tear_down(const ContainerDirectory& directory, const ContainerState& state);

/// What can still be found out about a container whose state.json is damaged: its relay, from the VM's
/// socket, and from that its cgroup. Nothing is found when no process of it runs any more.
ContainerState recover_state(const ContainerDirectory& directory);

}  // namespace nacre::runtime
