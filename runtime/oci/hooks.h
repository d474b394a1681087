#pragma once

#include <functional>
#include <string>
#include <vector>

#include "runtime/oci/spec.h"
#include "vmm/base/result.h"

namespace nacre::oci {

/// What each hook's process does last before its program is executed; where it fails, so does the hook.
using LastStep = std::function<Result<void>()>;

/// Runs hooks one after another where the caller is: the host or a container (OCI runtime-spec, config.md
/// "POSIX-platform Hooks"): each gets `state` (the OCI state as JSON) on its standard input, its own
/// arguments and environment and nothing else of ours, in `directory` (the bundle's, on the host). One that
/// exits non-zero or exceeds its time-out (seconds; it is killed then) is an error that carries what it
/// printed.
Result<void> run_hooks(const std::vector<Hook>& hooks, const std::string& name, const std::string& state,
                       const std::string& directory, const LastStep& last_step = {});

/// The same hooks, where those that have no environment of their own get `environment`. The specification
/// leaves it open; with runc they inherit it: the runtime's on the host, the container's process's for
/// startContainer.
std::vector<Hook> with_environment(std::vector<Hook> hooks, const std::vector<std::string>& environment);

}  // namespace nacre::oci
