#include "runtime/container/exec.h"

#include <array>
#include <charconv>
#include <limits>

#include "runtime/commands/commands.h"
#include "runtime/commands/create_options.h"

namespace nacre::commands {

namespace {

constexpr int exec_failed_status = 255;

constexpr std::array<cli::Option, 18> options{{
    {"process", 'p', "FILE", "the process to run, as JSON (process.json)"},
    {"tty", 't', "", "give the process a terminal"},
    {"user", 'u', "UID[:GID]", "user and group, as numbers"},
    {"additional-gids", 'g', "GID", "one more group; may be given several times"},
    {"cwd", 0, "DIR", "working directory in the container"},
    {"env", 'e', "NAME=VALUE", "one more environment variable; may be given several times"},
    {"cap", 'c', "CAP", "one more capability; may be given several times"},
    {"no-new-privs", 0, "", "the process cannot gain privileges"},
    {"process-label", 0, "LABEL", "SELinux label (no effect: the guest kernel has no SELinux)"},
    {"apparmor", 0, "PROFILE", "AppArmor profile (no effect: the guest kernel has no AppArmor)"},
    {"detach", 'd', "", "return once the process runs"},
    {"pid-file", 0, "FILE", "write the process's id to FILE"},
    {"ignore-paused", 0, "", "also in a paused container"},
    {"cgroup", 0, "PATH", "run the process in this cgroup below the container's"},
    console_socket_option,
    pidfd_socket_option,
    preserve_fds_option,
    no_subreaper_option,
}};

Result<std::vector<std::uint32_t>> group_ids(const std::vector<std::string>& texts) {
    std::vector<std::uint32_t> groups;
    for (const auto& text : texts) {
        const auto [end, error] =
            std::from_chars(text.data(), text.data() + text.size(), groups.emplace_back());
        if (error != std::errc() || end != text.data() + text.size())
            return fail("additional-gids must be a positive number {}", text);
    }
    return groups;
}

Result<runtime::ProcessChanges> read_changes(const cli::ParsedOptions& given) {
    runtime::ProcessChanges changes;
    changes.args.assign(given.arguments().begin() + 1, given.arguments().end());
    changes.terminal = given.flag("tty");
    changes.cwd = given.value("cwd");
    changes.env = given.values("env");
    if (given.has("user"))
        NACRE_TRY(runtime::parse_user(given.value("user"), changes));
    NACRE_ASSIGN(changes.additional_gids, group_ids(given.values("additional-gids")));
    changes.capabilities = given.values("cap");
    if (given.has("no-new-privs"))
        changes.no_new_privileges = given.flag("no-new-privs");
    changes.apparmor_profile = given.value("apparmor");
    changes.selinux_label = given.value("process-label");
    return changes;
}

Result<runtime::ExecOptions> read_options(const cli::Invocation& invocation) {
    const auto& given = invocation.options;
    runtime::ExecOptions exec;
    exec.id = given.arguments()[0];
    exec.process_file = given.value("process");
    NACRE_ASSIGN(exec.changes, read_changes(given));
    exec.cgroup = given.value("cgroup");
    if (exec.cgroup.find(':') != std::string::npos)
        return fail("invalid --cgroup argument: {}: the guest has cgroup v2, without <controller>: prefixes",
                    exec.cgroup);
    exec.console_socket = given.value("console-socket");
    exec.pid_file = given.value("pid-file");
    exec.pidfd_socket = given.value("pidfd-socket");
    exec.warn = [&log = invocation.log](const std::string& text) { log.warning(text); };
    exec.detach = given.flag("detach");
    exec.ignore_paused = given.flag("ignore-paused");
    NACRE_ASSIGN(exec.preserved_descriptors, preserved_descriptors(given));
    return exec;
}

Result<int> exec(const cli::Invocation& invocation) {
    NACRE_ASSIGN(const auto exec, read_options(invocation));
    return runtime::exec(runtime::Store(invocation.global.root), exec);
}

cli::CommandResult run_exec(const cli::Invocation& invocation) {
    auto status = exec(invocation);
    if (!status)
        return add_context(std::move(status).error(), "exec failed");
    return status;
}

}  // namespace

const cli::Command exec_command{"exec",
                                "run one more process in a running container",
                                "<container-id> <command> [arguments...]",
                                options,
                                1,
                                std::numeric_limits<std::size_t>::max(),
                                run_exec,
                                exec_failed_status,
                                false};

}  // namespace nacre::commands
