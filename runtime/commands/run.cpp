#include <array>

#include "runtime/commands/commands.h"
#include "runtime/commands/create_options.h"

namespace nacre::commands {

namespace {

constexpr std::array<cli::Option, 11> options{{
    bundle_option,
    config_option,
    pid_file_option,
    console_socket_option,
    pidfd_socket_option,
    preserve_fds_option,
    no_pivot_option,
    no_new_keyring_option,
    no_subreaper_option,
    {"detach", 'd', "", "return once the container runs"},
    {"keep", 0, "", "do not delete the container when it has ended"},
}};

/// An error of a container that did not end by itself carries its exit status as code: 128 + signal.
constexpr int lowest_signal_status = 128;

cli::CommandResult run_run(const cli::Invocation& invocation) {
    NACRE_ASSIGN(const auto create, read_create_options(invocation));
    const runtime::RunOptions run_options{invocation.options.flag("detach"), invocation.options.flag("keep")};
    const auto status = runtime::run(runtime::Store(invocation.global.root), create, run_options);
    if (status || status.error().code < lowest_signal_status)
        return status;
    invocation.log.error(status.error().message);
    return status.error().code;
}

}  // namespace

const cli::Command run_command{
    "run", "create and start a container, and wait for it", "<container-id>", options, 1, 1, run_run};

}  // namespace nacre::commands
