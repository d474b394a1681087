#pragma once

#include <string>

#include "vmm/base/result.h"

namespace nacre::runtime {

/// Of the cgroup that is made beside a container's for the purposes of oom_kill.h and oom_kill_v1.h.
constexpr const char* oom_suffix = ".oom";

/// Makes the kernel count one more oom_kill in the calling process's cgroup, of v2 with the memory
/// controller, and in those above it (memory.events, cgroup-v2.rst): callers of a runtime learn from there
/// that a container ran out of memory, and an OOM kill inside a guest does not show there by itself. Nothing
/// else in the cgroup is touched.
///
/// A child of the calling process is killed by the kernel, in `starved`, a cgroup that is made for the
/// purpose; the cgroup above it must give its children the memory controller. Takes milliseconds, at most ten
/// seconds.
Result<void> raise_oom_kill(const std::string& starved);

}  // namespace nacre::runtime
