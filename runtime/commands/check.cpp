#include <unistd.h>

#include "runtime/check/host_requirements.h"
#include "runtime/commands/commands.h"
#include "vmm/base/file.h"

namespace nacre::commands {

namespace {

cli::CommandResult run_check(const cli::Invocation& invocation) {
    const auto requirements = check::check_host(invocation.global.root);
    NACRE_TRY(write_all(STDOUT_FILENO, check::report(requirements)));
    return check::all_passed(requirements) ? 0 : 1;
}

}  // namespace

const cli::Command check_command{
    "check", "tell whether this host can run nacre, and what is missing", "", {}, 0, 0, run_check};

}  // namespace nacre::commands
