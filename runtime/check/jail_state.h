#pragma once

#include <string>
#include <vector>

#include "runtime/check/requirement.h"

namespace nacre::check {

/// Holds a running nacre-vmm against what vmm/jail/README.md promises: its namespaces, root, limits, and of
/// every thread the capabilities, no_new_privs and the seccomp filter. `process` is its directory in proc(5),
/// "/proc/123", `outside` that of a process outside the jail. A process that ends meanwhile fails.
std::vector<Requirement> check_jail(const std::string& process, const std::string& outside);

}  // namespace nacre::check
