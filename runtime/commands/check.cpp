#include <unistd.h>

#include "runtime/check/host_requirements.h"
#include "runtime/check/jail_state.h"
#include "runtime/commands/commands.h"
#include "runtime/state/store.h"
#include "vmm/base/file.h"

namespace nacre::commands {

namespace {

cli::CommandResult tell(const std::vector<check::Requirement>& requirements, const check::Verdict& verdict) {
    NACRE_TRY(write_all(STDOUT_FILENO, check::report(requirements, verdict)));
    return check::all_passed(requirements) ? 0 : 1;
}

/// The jail of the virtual machine that a container runs in.
cli::CommandResult check_container(const runtime::Store& store, const std::string& id) {
    NACRE_ASSIGN(const auto directory, store.open(id));
    NACRE_ASSIGN(const auto state, directory.read());
    if (!runtime::is_alive(state.vmm))
        return fail("container not running");
    return tell(check::check_jail(fmt::format("/proc/{}", state.vmm.pid), "/proc/self"),
                {fmt::format("the jail of {} holds", id), fmt::format("the jail of {} does not hold", id)});
}

cli::CommandResult run_check(const cli::Invocation& invocation) {
    if (const auto& arguments = invocation.arguments(); !arguments.empty())
        return check_container(runtime::Store(invocation.global.root), arguments[0]);
    return tell(check::check_host(invocation.global.root),
                {"this host can run nacre", "this host cannot run nacre"});
}

}  // namespace

const cli::Command check_command{
    "check",
    "tell whether this host can run nacre and what is missing, or whether a container's jail holds",
    "[container-id]",
    {},
    0,
    1,
    run_check};

}  // namespace nacre::commands
