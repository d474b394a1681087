#pragma once

#include <span>
#include <string>

#include "runtime/cli/command.h"

namespace nacre::cli {

/// The whole command line: global options, then a command of `commands`, its options and arguments. Reports
/// errors as callers of runc expect and returns the exit status. Uses no state but the process's own standard
/// streams and environment.
int run_application(std::span<const std::string> words, std::span<const Command* const> commands);

/// Where containers are kept without --root: /run/nacre, or $XDG_RUNTIME_DIR/nacre for other users than root.
std::string default_root();

}  // namespace nacre::cli
