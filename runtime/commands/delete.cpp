#include <array>

#include "runtime/commands/commands.h"
#include "runtime/container/lifecycle.h"

namespace nacre::commands {

namespace {

constexpr std::array<cli::Option, 1> options{
    {{"force", 'f', "", "kill the container first if it still runs; an unknown one is no error"}}};

cli::CommandResult run_delete(const cli::Invocation& invocation) {
    NACRE_TRY(runtime::delete_container(runtime::Store(invocation.global.root), invocation.arguments()[0],
                                        invocation.options.flag("force"),
                                        [&](const std::string& text) { invocation.log.warning(text); }));
    return 0;
}

}  // namespace

const cli::Command delete_command{
    "delete", "delete a container and all that it holds", "<container-id>", options, 1, 1, run_delete};

}  // namespace nacre::commands
