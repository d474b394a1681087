#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "runtime/cli/logger.h"
#include "runtime/cli/option_parser.h"

namespace nacre::cli {

/// Options that stand before the command.
struct GlobalOptions {
    std::string root;             // where the state of containers is
    std::string log_path;         // of --log; empty: standard error
    std::string cgroup_manager;  // "cgroupfs", "systemd" (cgroupsPath is "slice:prefix:name") or "disabled"
};

/// What a command gets.
struct Invocation {
    const GlobalOptions& global;
    const Logger& log;
    const ParsedOptions& options;

    /// The words behind the options; as many as the command asked for.
    const std::vector<std::string>& arguments() const { return options.arguments(); }
};

/// The exit status, or the error to report (with Command::failure_status).
using CommandResult = Result<int>;

/// One sub-command: what it takes, and the function that does it. The table of all is in runtime/commands.
struct Command {
    std::string_view name;
    std::string_view summary;
    std::string_view synopsis;  // of its arguments: "<container-id>"
    std::span<const Option> options;
    std::size_t minimum_arguments = 0;
    std::size_t maximum_arguments = 0;
    CommandResult (*run)(const Invocation&) = nullptr;
    int failure_status = 1;
    bool options_anywhere = true;  // false: words behind the first argument are never options (exec, ps)
};

}  // namespace nacre::cli
