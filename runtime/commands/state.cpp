#include <unistd.h>

#include "runtime/commands/commands.h"
#include "runtime/state/store.h"
#include "vmm/base/file.h"

namespace nacre::commands {

namespace {

cli::CommandResult run_state(const cli::Invocation& invocation) {
    const runtime::Store store(invocation.global.root);
    NACRE_ASSIGN(const auto directory, store.open(invocation.arguments()[0]));
    NACRE_ASSIGN(const auto state, directory.read());
    const auto json = runtime::oci_state_json(state, runtime::current_status(state), true);
    NACRE_TRY(write_all(STDOUT_FILENO, json + "\n"));
    return 0;
}

}  // namespace

const cli::Command state_command{"state",  "output the state of a container", "<container-id>", {}, 1, 1,
                                 run_state};

}  // namespace nacre::commands
