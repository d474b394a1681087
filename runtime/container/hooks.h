#pragma once

#include <string>
#include <vector>

#include "runtime/oci/spec.h"
#include "vmm/base/result.h"

namespace nacre::runtime {

/// Runs hooks of the host one after another (OCI runtime-spec, config.md "POSIX-platform Hooks"): each gets
/// `state` (the OCI state as JSON) on its standard input, its own arguments and environment and nothing else
/// of ours, in the bundle's directory. One that exits non-zero or exceeds its time-out (seconds; it is killed
/// then) is an error that carries what it printed.
Result<void> run_hooks(const std::vector<oci::Hook>& hooks, const std::string& name, const std::string& state,
                       const std::string& bundle);

}  // namespace nacre::runtime
