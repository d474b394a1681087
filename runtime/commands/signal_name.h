#pragma once

#include <string_view>

#include "vmm/base/result.h"

namespace nacre::commands {

/// The number of a signal given as "9", "KILL", "SIGKILL" (any case), "RTMIN+3", "SIGRTMAX-1". Numbers are 0
/// (which only asks whether there is a process) to 64. The errors are runc's: "unknown signal …", and for
/// other numbers what kill(2) says of them.
Result<int> signal_number(std::string_view name);

}  // namespace nacre::commands
