#pragma once

#include <string_view>

#include "vmm/base/result.h"

namespace nacre::commands {

/// The number of a signal given as "9", "KILL", "SIGKILL" (any case), "RTMIN+3", "SIGRTMAX-1". Numbers are 1
/// to
/// 64. The error is runc's: "unknown signal …".
Result<int> signal_number(std::string_view name);

}  // namespace nacre::commands
