#pragma once

#include <string>
#include <vector>

#include "runtime/container/warn.h"
#include "runtime/oci/spec.h"

namespace nacre::runtime {

/// What the agent will leave out of a process's capability sets, in runc's words, one line each: names that
/// Linux does not have, and ambient ones that are not both permitted and inheritable (capabilities(7)).
std::vector<std::string> capability_warnings(const oci::Process& process);

/// Tells them, if there is somebody to tell.
void warn_of_capabilities(const oci::Process& process, const Warn& warn);

}  // namespace nacre::runtime
