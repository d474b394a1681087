#pragma once

#include <span>
#include <string>

#include "runtime/cli/command.h"

namespace nacre::cli {

/// What `nacre --help` prints.
std::string application_help(std::span<const Command* const> commands,
                             std::span<const Option> global_options);

/// What `nacre <command> --help` prints.
std::string command_help(const Command& command);

}  // namespace nacre::cli
