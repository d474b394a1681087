#pragma once

#include <sys/types.h>

#include <cstdint>
#include <span>

#include "vmm/base/result.h"

namespace nacre::agent {

/// fork(2) with CLONE_* `flags` (with CLONE_PARENT the child is the caller's sibling), the child beginning in
/// the cgroup whose directory is `cgroup` (-1: the caller's). Gives 0 in the child. Only for a process with
/// one thread.
Result<pid_t> clone_process(std::uint64_t flags, int cgroup);

/// Closes every descriptor from 3 on that `keep` does not name: a child must not hold the agent's connections
/// and pipes open.
void close_other_descriptors(std::span<const int> keep);

}  // namespace nacre::agent
