#pragma once

#include <string>

#include "vmm/base/result.h"

namespace nacre::runtime {

/// Makes the kernel report an OOM kill in `directory`, a cgroup of v1's memory hierarchy, in which the
/// calling process is: its oom_kill counter rises and the eventfds that are registered with its
/// memory.oom_control fire (Documentation/admin-guide/cgroup-v1/memory.rst, 10). callers of a runtime learn
/// from there that a container ran out of memory.
///
/// v1 tells of nothing but a true lack of memory in that very cgroup. So a child of the calling process is
/// made to run into the cgroup's limit, which is lowered to what is in use. Meanwhile all other processes of
/// the cgroup are in `parking`, a cgroup made for the purpose: none of them can be killed, or made to wait
/// for memory. Page cache of the cgroup is given up for it. Takes some milliseconds for that and two moves of
/// each process, at most 25 seconds; all is as before then, whether it succeeded or not.
Result<void> raise_oom_kill_v1(const std::string& directory, const std::string& parking);

}  // namespace nacre::runtime
