#include "runtime/commands/commands.h"

#include <array>

namespace nacre::commands {

namespace {

constexpr std::array<const cli::Command*, 9> table{
    &create, &delete_container, &features, &kill, &list, &run, &spec, &start, &state};

}  // namespace

std::span<const cli::Command* const> all() {
    return table;
}

}  // namespace nacre::commands
