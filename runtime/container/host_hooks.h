#pragma once

#include <string>
#include <vector>

#include "runtime/oci/spec.h"
#include "runtime/state/container_state.h"

namespace nacre::runtime {

/// Runs a container's hooks of one kind on the host: in the bundle's directory, with the state as of `status`
/// on standard input, and with this process's environment where they have none. See oci/hooks.h.
Result<void> run_host_hooks(const std::vector<oci::Hook>& hooks, const std::string& kind,
                            const ContainerState& state, Status status);

}  // namespace nacre::runtime
