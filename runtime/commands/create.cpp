#include <array>

#include "runtime/commands/commands.h"
#include "runtime/commands/create_options.h"

namespace nacre::commands {

namespace {

constexpr std::array<cli::Option, 9> options{
    bundle_option,       config_option,   pid_file_option,       console_socket_option, pidfd_socket_option,
    preserve_fds_option, no_pivot_option, no_new_keyring_option, no_subreaper_option};

cli::CommandResult run_create(const cli::Invocation& invocation) {
    NACRE_ASSIGN(const auto create, read_create_options(invocation));
    NACRE_TRY(runtime::create(runtime::Store(invocation.global.root), create));
    return 0;
}

}  // namespace

const cli::Command create_command{"create",  "create a container", "<container-id>", options, 1, 1,
                                  run_create};

}  // namespace nacre::commands
