#include <array>

#include "runtime/commands/commands.h"
#include "runtime/commands/signal_name.h"
#include "runtime/container/lifecycle.h"

namespace nacre::commands {

namespace {

constexpr std::array<cli::Option, 1> options{
    {{"all", 'a', "", "send the signal to all processes of the container"}}};

cli::CommandResult run_kill(const cli::Invocation& invocation) {
    const auto& arguments = invocation.arguments();
    NACRE_ASSIGN(const auto signal, signal_number(arguments.size() > 1 ? arguments[1] : "TERM"));
    NACRE_TRY(runtime::kill(runtime::Store(invocation.global.root), arguments[0], signal,
                            invocation.options.flag("all")));
    return 0;
}

}  // namespace

const cli::Command kill_command{"kill",
                                "send a signal (default: SIGTERM) to a container's init process",
                                "<container-id> [signal]",
                                options,
                                1,
                                2,
                                run_kill};

}  // namespace nacre::commands
