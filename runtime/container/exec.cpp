#include "runtime/container/exec.h"

#include <sys/wait.h>

#include "runtime/container/capability_warnings.h"
#include "runtime/container/exec_relay.h"
#include "runtime/container/foreground.h"
#include "runtime/container/host_references.h"
#include "runtime/container/pid_file.h"
#include "runtime/container/saved_config.h"
#include "runtime/oci/bundle.h"
#include "runtime/oci/parser.h"
#include "runtime/oci/validation.h"
#include "runtime/relay/pidfd_socket.h"

namespace nacre::runtime {

namespace {

Result<ContainerState> open_container(const Store& store, const ExecOptions& options) {
    NACRE_ASSIGN(const auto directory, store.open(options.id));
    NACRE_ASSIGN(auto state, directory.read());
    const auto status = current_status(state);
    if (!(status == Status::paused && options.ignore_paused))
        NACRE_TRY(check_can_exec(status));
    return state;
}

/// From the options and the configuration that the container was created from.
Result<oci::ProcessFile> configured_process(const Store& store, const ExecOptions& options) {
    NACRE_ASSIGN(const auto directory, store.open(options.id));
    NACRE_ASSIGN(const auto config, load_saved_config_text(directory));
    oci::ProcessFile process;
    NACRE_ASSIGN(process.text, exec_process_json(config, options.changes));
    NACRE_ASSIGN(process.process, oci::parse_process(process.text, "process"));
    NACRE_TRY(oci::validate(process.process, "process: "));
    return process;
}

Result<oci::ProcessFile> process_to_run(const Store& store, const ExecOptions& options) {
    if (!options.process_file.empty())
        return oci::load_process(options.process_file);
    if (options.changes.args.empty())
        return fail("process args cannot be empty");
    return configured_process(store, options);
}

Result<void> tell_pid(pid_t relay, const ExecOptions& options, const FileDescriptor& pidfd_socket) {
    NACRE_TRY(send_pidfd(pidfd_socket, relay, "setns"));
    return options.pid_file.empty() ? Result<void>() : write_pid_file(options.pid_file, relay);
}

/// The relay's pid, once the program runs and whoever wants to know it has been told.
Result<pid_t> start_relay(ExecRelayTask& task, const ExecOptions& options) {
    NACRE_ASSIGN(const auto pidfd_socket, connect_pidfd_socket(options.pidfd_socket));
    NACRE_ASSIGN(const auto relay, fork_exec_relay(task));
    if (auto told = tell_pid(relay, options, pidfd_socket); !told) {
        ::kill(relay, SIGKILL);
        ::waitpid(relay, nullptr, 0);
        return tl::unexpected(std::move(told).error());
    }
    return relay;
}

}  // namespace

Result<int> exec(const Store& store, const ExecOptions& options) {
    NACRE_ASSIGN(auto descriptors, take_passed_descriptors(options.preserved_descriptors));
    NACRE_ASSIGN(auto container, open_container(store, options));
    NACRE_ASSIGN(auto process, process_to_run(store, options));
    NACRE_TRY(check_labels(process.process, "", host_security_modules()));
    warn_of_capabilities(process.process, options.warn);
    NACRE_ASSIGN(auto terminal, choose_terminal(process.process, options.detach, options.console_socket));
    if (const auto size = window_size(terminal.caller.get())) {
        NACRE_ASSIGN(process.text, with_console_size(process.text, *size));
    }
    const int callers_terminal = terminal.caller.get();
    ExecRelayTask task{std::move(container), std::move(process.text), options.cgroup,
                       std::move(terminal),  !options.detach,         std::move(descriptors)};
    if (options.detach)
        return start_relay(task, options).map([](pid_t) { return 0; });
    NACRE_ASSIGN(const auto foreground, Foreground::begin(callers_terminal));
    return start_relay(task, options).map([&](pid_t relay) { return foreground.wait_for(relay); });
}

}  // namespace nacre::runtime
