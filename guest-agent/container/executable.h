#pragma once

#include <string>
#include <vector>

#include "vmm/base/result.h"

namespace nacre::agent {

/// The path that execve(2) is to be given for `name`: a name with a slash is itself, another is looked for in
/// the PATH of `environment`. Called as the process's user, in its root and working directory. Errors have
/// the words of Go's os/exec, which callers look for.
Result<std::string> find_executable(const std::string& name, const std::vector<std::string>& environment);

/// The value of a variable in a list of "NAME=value", the last one if there are several; empty if none.
std::string environment_value(const std::vector<std::string>& environment, const std::string& name);

}  // namespace nacre::agent
