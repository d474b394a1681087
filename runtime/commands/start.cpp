#include "runtime/commands/commands.h"
#include "runtime/container/lifecycle.h"

namespace nacre::commands {

namespace {

cli::CommandResult run_start(const cli::Invocation& invocation) {
    const auto warn = [&](const std::string& message) { invocation.log.warning(message); };
    NACRE_TRY(runtime::start(runtime::Store(invocation.global.root), invocation.arguments()[0], warn));
    return 0;
}

}  // namespace

const cli::Command start_command{
    "start", "run the user's program in a created container", "<container-id>", {}, 1, 1, run_start};

}  // namespace nacre::commands
