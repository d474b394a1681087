#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <charconv>
#include <cstdio>
#include <string_view>

#include "runtime/cgroup/cgroup.h"
#include "runtime/container/capability_warnings.h"
#include "runtime/container/host_hooks.h"
#include "runtime/container/host_references.h"
#include "runtime/container/init_relay.h"
#include "runtime/container/lifecycle.h"
#include "runtime/container/pid_file.h"
#include "runtime/container/saved_config.h"
#include "runtime/container/teardown.h"
#include "runtime/relay/pidfd_socket.h"
#include "runtime/relay/relay_reports.h"
#include "runtime/state/timestamp.h"
#include "runtime/vm/agent_connection.h"

namespace nacre::runtime {

namespace {

constexpr int answer_timeout_ms = 60'000;

/// In the order of the specification: prestart (deprecated) and createRuntime here, createContainer in the
/// container.
Result<void> run_create_hooks(const oci::Hooks& hooks, const ContainerState& state) {
    NACRE_TRY(run_host_hooks(hooks.prestart, "prestart", state, Status::creating));
    NACRE_TRY(run_host_hooks(hooks.create_runtime, "createRuntime", state, Status::creating));
    if (hooks.create_container.empty())
        return {};
    NACRE_ASSIGN(auto agent,
                 AgentConnection::connect(state.vm_directory, protocol::control_port, answer_timeout_ms));
    // The hooks' own time-outs hold.
    const auto text = oci_state_json(state, Status::creating, false);
    NACRE_TRY(agent.call(protocol::RunHooks{state.id, "createContainer", text}, -1));
    return {};
}

Result<ContainerState> initial_state(const ContainerDirectory& directory, const oci::Bundle& bundle) {
    ContainerState state;
    state.id = directory.id();
    state.oci_version = bundle.spec.version;
    state.bundle = bundle.directory;
    state.rootfs = bundle.rootfs;
    state.created = rfc3339_nano(now());
    state.annotations = bundle.spec.annotations;
    state.vm_directory = directory.path();
    NACRE_ASSIGN(state.creator, identify_process(::getpid()));
    return state;
}

Result<std::unique_ptr<Cgroup>> make_cgroup(const oci::Spec& spec, CgroupManager manager,
                                            std::uint64_t vm_memory_bytes, ContainerState& state) {
    CgroupRequest request;
    request.manager = manager;
    request.id = state.id;
    request.path = spec.linux.cgroups_path;
    request.annotations = spec.annotations;
    request.resources = spec.linux.resources.value_or(oci::Resources{});
    request.memory_bytes = vm_memory_bytes + host_overhead_bytes;
    NACRE_ASSIGN(auto cgroup, create_cgroup(request));
    state.cgroup_paths = cgroup->place().directories;
    state.cgroup_unit = cgroup->place().unit;
    return cgroup;
}

int number_in(std::string_view text) {
    int number = 0;
    std::from_chars(text.data(), text.data() + text.size(), number);
    return number;
}

Result<void> follow_reports(const InitRelay& relay, const ContainerDirectory& directory,
                            ContainerState& state) {
    for (;;) {
        NACRE_ASSIGN(const auto line, read_report(relay.reports.get()));
        if (line == "created")
            return {};
        if (line.starts_with("vmm ")) {
            NACRE_ASSIGN(state.vmm, identify_process(number_in(std::string_view(line).substr(4))));
            NACRE_TRY(directory.write(state));
        }
    }
}

Result<void> create_in(const ContainerDirectory& directory, const oci::Bundle& bundle, const Assets& assets,
                       CgroupManager manager, ProcessTerminal terminal,
                       std::vector<PassedDescriptor> descriptors, ContainerState& state) {
    NACRE_TRY(directory.write(state));
    const auto size = vm_size(bundle.spec, host_size());
    // Kept until the relay is in it.
    NACRE_ASSIGN(const auto cgroup, make_cgroup(bundle.spec, manager, size.memory_bytes, state));
    NACRE_ASSIGN(auto share, plan_share(state.id, bundle.directory, bundle.spec));
    NACRE_ASSIGN(auto disks, plan_disks(bundle.directory, bundle.spec));
    InitRelayTask task{&bundle,
                       &directory,
                       assets,
                       size,
                       std::move(share),
                       std::move(disks),
                       cgroup->place(),
                       std::move(terminal),
                       std::move(descriptors),
                       plan_notify_socket(notify_socket_address(), bundle.spec, bundle.directory)};
    NACRE_ASSIGN(const auto relay, fork_init_relay(std::move(task)));
    NACRE_ASSIGN(state.relay, identify_process(relay.pid));
    NACRE_TRY(directory.write(state));
    NACRE_TRY(follow_reports(relay, directory, state));
    NACRE_TRY(run_create_hooks(bundle.spec.hooks, state));
    NACRE_TRY(save_config(directory, bundle.config));
    state.status = Status::created;
    return directory.write(state);
}

void undo_create(const ContainerDirectory& directory, const ContainerState& state) {
    // What could not be removed now is removed by `delete --force`; the reason why create failed is what
    // counts.
    [[maybe_unused]] const auto result = tear_down(directory, state);
    if (state.relay.pid > 0)
        ::waitpid(state.relay.pid, nullptr, WNOHANG);
}

}  // namespace

Result<void> create(const Store& store, const CreateOptions& options) {
    NACRE_TRY(check_socket_activation());
    NACRE_ASSIGN(auto descriptors, take_passed_descriptors(options.preserved_descriptors));
    NACRE_ASSIGN(const auto bundle, oci::load_bundle(options.bundle, options.config));
    NACRE_TRY(check_labels(*bundle.spec.process, bundle.spec.linux.mount_label, host_security_modules()));
    NACRE_TRY(check_namespace_paths(bundle.spec.linux));
    NACRE_ASSIGN(auto terminal,
                 choose_terminal(*bundle.spec.process, options.detached, options.console_socket));
    warn_of_capabilities(*bundle.spec.process, options.warn);
    NACRE_ASSIGN(const auto pidfd_socket, connect_pidfd_socket(options.pidfd_socket));
    NACRE_ASSIGN(const auto assets, find_assets());
    NACRE_ASSIGN(const auto directory, store.create(options.id));
    auto state = initial_state(directory, bundle);
    auto created = state ? create_in(directory, bundle, assets, options.cgroup_manager, std::move(terminal),
                                     std::move(descriptors), *state)
                         : tl::unexpected(state.error());
    if (created)
        created = send_pidfd(pidfd_socket, state->relay.pid, "standard");
    if (created && !options.pid_file.empty())
        created = write_pid_file(options.pid_file, state->relay.pid);
    if (!created)
        undo_create(directory, state.value_or(ContainerState{}));
    return created;
}

}  // namespace nacre::runtime
