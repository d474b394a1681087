#pragma once

#include <sys/types.h>

#include "runtime/oci/spec.h"
#include "vmm/base/result.h"

/// Attributes of the calling process that survive execve(2) and are neither limits nor credentials.
namespace nacre::agent {

/// Back to what a process has whose parent is an ordinary one: signals, out-of-memory score (the agent
/// protects itself with its own), umask 0 until the user's is set. First thing in a new process.
Result<void> reset_inherited_attributes(const oci::Process& process);

/// Sets the out-of-memory score of process `pid` and, as the VM's root, the least that it can set itself.
Result<void> set_oom_score_adj(pid_t pid, int score);

/// Scheduling policy, nice value, I/O priority.
Result<void> set_scheduling(const oci::Process& process);

/// The CPUs that the process may run on, those of this VM; an empty `list` changes nothing.
Result<void> set_cpu_affinity(const std::string& list);

/// linux.personality.
Result<void> set_personality(const oci::Personality& personality);

/// A session keyring of the container's own, so that it does not share the agent's.
Result<void> join_new_keyring(const std::string& container_id);

}  // namespace nacre::agent
