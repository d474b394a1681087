#include "runtime/commands/commands.h"

#include <array>

namespace nacre::commands {

namespace {

constexpr auto table = std::to_array<const cli::Command*>(
    {&check_command, &create_command, &delete_command, &events_command, &exec_command, &features_command,
     &kill_command, &list_command, &pause_command, &ps_command, &resume_command, &run_command, &spec_command,
     &start_command, &state_command, &update_command});

}  // namespace

std::span<const cli::Command* const> all() {
    return table;
}

}  // namespace nacre::commands
