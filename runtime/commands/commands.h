#pragma once

#include <span>

#include "runtime/cli/command.h"

/// The commands of `nacre`, one file each: options → a call into the library that does the work → output.
namespace nacre::commands {

extern const cli::Command check_command;
extern const cli::Command create_command;
extern const cli::Command delete_command;
extern const cli::Command events_command;
extern const cli::Command exec_command;
extern const cli::Command features_command;
extern const cli::Command kill_command;
extern const cli::Command list_command;
extern const cli::Command pause_command;
extern const cli::Command ps_command;
extern const cli::Command resume_command;
extern const cli::Command run_command;
extern const cli::Command spec_command;
extern const cli::Command start_command;
extern const cli::Command state_command;
extern const cli::Command update_command;

/// All of them, in the order of the help text.
std::span<const cli::Command* const> all();

}  // namespace nacre::commands
