#pragma once

#include <span>

#include "runtime/cli/command.h"

/// The commands of `nacre`, one file each: options → a call into the library that does the work → output.
namespace nacre::commands {

extern const cli::Command create;
extern const cli::Command delete_container;
extern const cli::Command features;
extern const cli::Command kill;
extern const cli::Command list;
extern const cli::Command run;
extern const cli::Command spec;
extern const cli::Command start;
extern const cli::Command state;

/// All of them, in the order of the help text.
std::span<const cli::Command* const> all();

}  // namespace nacre::commands
