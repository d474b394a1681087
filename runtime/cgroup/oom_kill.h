#pragma once

#include <string>

#include "vmm/base/result.h"

namespace nacre::runtime {

/// Makes the kernel count one more oom_kill in `directory`, a cgroup v2 directory with the memory controller,
/// and in those above it (memory.events, cgroup-v2.rst): callers of a runtime learn from there that a
/// container ran out of memory, and an OOM kill inside a guest does not show there by itself. Nothing else in
/// the cgroup is touched.
///
/// The calling process must be in `directory`. A child of it is killed by the kernel, in a cgroup made for
/// the purpose beside `directory`. Takes milliseconds, at most two seconds.
Result<void> raise_oom_kill(const std::string& directory);

}  // namespace nacre::runtime
