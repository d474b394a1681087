#pragma once

#include <sys/types.h>

#include <optional>
#include <string_view>
#include <vector>

#include "runtime/oci/spec.h"
#include "vmm/base/result.h"

namespace nacre::agent {

/// The RLIMIT_* number of a name ("RLIMIT_NOFILE"), or none.
std::optional<int> rlimit_number(std::string_view name);

/// Sets the calling process's limits: first back to what a process has by default (the agent raised its own),
/// then what the configuration asks for.
Result<void> set_rlimits(const std::vector<oci::Rlimit>& rlimits);

/// Raises the hard limits of process `pid` (0: the caller) to those of the configuration where these are
/// higher, so that set_rlimits() later needs no privilege of the VM's root.
Result<void> allow_rlimits(pid_t pid, const std::vector<oci::Rlimit>& rlimits);

/// Raises the calling process's own limit of open files: the agent holds some for every process.
Result<void> raise_open_files_limit();

}  // namespace nacre::agent
