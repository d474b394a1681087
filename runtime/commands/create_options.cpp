#include "runtime/commands/create_options.h"

#include "guest-agent/protocol/messages.h"
#include "runtime/state/container_id.h"

namespace nacre::commands {

namespace {

/// One of those that the command line takes.
runtime::CgroupManager cgroup_manager(const std::string& name) {
    if (name == "disabled")
        return runtime::CgroupManager::disabled;
    return name == "systemd" ? runtime::CgroupManager::systemd : runtime::CgroupManager::cgroupfs;
}

}  // namespace

Result<std::uint32_t> preserved_descriptors(const cli::ParsedOptions& options) {
    NACRE_ASSIGN(const auto count, options.number("preserve-fds", protocol::max_passed_descriptors));
    return static_cast<std::uint32_t>(count.value_or(0));
}

Result<runtime::CreateOptions> read_create_options(const cli::Invocation& invocation) {
    const auto& options = invocation.options;
    NACRE_TRY(runtime::check_container_id(invocation.arguments()[0]));
    runtime::CreateOptions create;
    create.id = invocation.arguments()[0];
    create.bundle = options.value("bundle", ".");
    create.config = options.value("config");
    create.console_socket = options.value("console-socket");
    create.warn = [&log = invocation.log](const std::string& text) { log.warning(text); };
    create.pid_file = options.value("pid-file");
    create.pidfd_socket = options.value("pidfd-socket");
    create.cgroup_manager = cgroup_manager(invocation.global.cgroup_manager);
    NACRE_ASSIGN(create.preserved_descriptors, preserved_descriptors(options));
    return create;
}

}  // namespace nacre::commands
