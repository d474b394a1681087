#pragma once

#include <sys/types.h>

#include <string>

#include "vmm/base/result.h"

namespace nacre::runtime {

/// What fork_into() tells both sides.
struct Forked {
    pid_t pid;    // as fork(2): 0 in the child
    bool inside;  // the child began in the cgroup; if not, it has to be moved there
};

/// fork(2), with a child that is in the cgroup from its first instruction on (CLONE_INTO_CGROUP, clone(2)). Moving a
/// process that runs waits for a grace period of RCU instead, some ten milliseconds (cgroup_procs_write_start in the
/// kernel's cgroup.c). `directory` is the cgroup's in cgroup v2; empty, or one that the kernel refuses, is a plain fork. The
/// caller must be single-threaded.
Result<Forked> fork_into(const std::string& directory);

}  // namespace nacre::runtime
