#include "runtime/commands/commands.h"
#include "runtime/container/lifecycle.h"

namespace nacre::commands {

namespace {

cli::CommandResult run_pause(const cli::Invocation& invocation) {
    NACRE_TRY(runtime::pause(runtime::Store(invocation.global.root), invocation.arguments()[0]));
    return 0;
}

cli::CommandResult run_resume(const cli::Invocation& invocation) {
    NACRE_TRY(runtime::resume(runtime::Store(invocation.global.root), invocation.arguments()[0]));
    return 0;
}

}  // namespace

const cli::Command pause_command{
    "pause", "stop all processes of a container from running", "<container-id>", {}, 1, 1, run_pause};
const cli::Command resume_command{
    "resume", "let the processes of a paused container go on", "<container-id>", {}, 1, 1, run_resume};

}  // namespace nacre::commands
