#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <charconv>
#include <cstdio>
#include <string_view>

#include "runtime/cgroup/cgroup.h"
#include "runtime/container/capability_warnings.h"
#include "runtime/container/guest_hooks.h"
#include "runtime/container/host_hooks.h"
#include "runtime/container/host_references.h"
#include "runtime/container/init_relay.h"
#include "runtime/container/lifecycle.h"
#include "runtime/container/network_namespace.h"
#include "runtime/container/pid_file.h"
#include "runtime/container/pod_size.h"
#include "runtime/container/rate_limits.h"
#include "runtime/container/saved_config.h"
#include "runtime/container/teardown.h"
#include "runtime/container/vm_resize.h"
#include "runtime/oci/unified_limits.h"
#include "runtime/relay/pidfd_socket.h"
#include "runtime/relay/relay_reports.h"
#include "runtime/state/timestamp.h"
#include "runtime/vm/agent_connection.h"
#include "runtime/vm/virtual_machine.h"

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
    return run_guest_hooks(agent, hooks.create_container, "createContainer", state, Status::creating);
}

Result<ContainerState> initial_state(const ContainerDirectory& directory, const oci::Bundle& bundle,
                                     const Pod& pod) {
    ContainerState state;
    state.id = directory.id();
    state.oci_version = bundle.spec.version;
    state.bundle = bundle.directory;
    state.rootfs = bundle.rootfs;
    state.created = rfc3339_nano(now());
    state.annotations = bundle.spec.annotations;
    state.sandbox_id = pod.sandbox_id;
    state.vm_directory = pod.is_member() ? pod.vm_directory : directory.path();
    state.vmm = pod.vmm;
    NACRE_ASSIGN(state.creator, identify_process(::getpid()));
    return state;
}

/// A sandbox's cgroup has the VM of the whole pod in it: that is not to have the weight of a process that
/// sleeps.
oci::Resources host_resources(const oci::Spec& spec) {
    auto resources = spec.linux.resources.value_or(oci::Resources{});
    if (is_sandbox(spec.annotations) && resources.cpu)
        resources.cpu->shares.reset();
    return resources;
}

/// A small quota would make the start of the VM last as much longer as it is below one CPU. What is bounded
/// is the container, and that has not begun to run.
oci::Resources without_quota(oci::Resources resources) {
    if (resources.cpu) {
        resources.cpu->quota.reset();
        resources.cpu->period.reset();
        resources.cpu->burst.reset();
    }
    resources.unified.erase("cpu.max");
    return resources;
}

bool has_quota(const oci::Resources& resources) {
    const auto cpu = resources.cpu.value_or(oci::CpuResources{});
    return cpu.quota || cpu.period || cpu.burst || resources.unified.contains("cpu.max");
}

Result<std::unique_ptr<Cgroup>> make_cgroup(const oci::Spec& spec, CgroupManager manager,
                                            std::uint64_t vm_memory_bytes, ContainerState& state) {
    CgroupRequest request;
    request.manager = manager;
    request.id = state.id;
    request.path = spec.linux.cgroups_path;
    request.annotations = spec.annotations;
    request.resources = without_quota(host_resources(spec));
    request.memory_bytes = vm_memory_bytes + host_overhead_bytes;
    NACRE_ASSIGN(auto cgroup, create_cgroup(request));
    state.cgroup_paths = cgroup->place().directories;
    state.cgroup_unit = cgroup->place().unit;
    return cgroup;
}

/// A pod's VM is made large enough for the limits of one more container. Without limits that costs nothing.
Result<void> make_room(const Store& store, const oci::Spec& spec, const ContainerState& state,
                       const Warn& warn) {
    const auto limits = oci::with_unified_limits(spec.linux.resources.value_or(oci::Resources{}));
    const bool has_limit = (limits.memory && limits.memory->limit.value_or(0) > 0) ||
                           (limits.cpu && limits.cpu->quota.value_or(0) > 0);
    if (state.sandbox_id.empty() || !has_limit)
        return {};
    NACRE_ASSIGN(const auto size, pod_size(store, state.sandbox_id, state.id, &limits));
    NACRE_ASSIGN(const auto vcpus, grow_vm(state.vm_directory, size));
    if (vcpus < size.vcpus && warn)
        warn(fmt::format("the virtual machine of the pod cannot have more than {} CPU(s)", vcpus));
    return {};
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
        } else if (line.starts_with("slot ")) {
            state.device_slots.push_back(
                static_cast<std::uint32_t>(number_in(std::string_view(line).substr(5))));
            NACRE_TRY(directory.write(state));
        }
    }
}

Result<void> create_in(const ContainerDirectory& directory, const oci::Bundle& bundle, const Assets& assets,
                       CgroupManager manager, const RateLimit& disk_limit, Pod pod, ProcessTerminal terminal,
                       std::vector<PassedDescriptor> descriptors, ContainerState& state) {
    NACRE_TRY(directory.write(state));
    FileDescriptor kvm;
    if (!pod.is_member()) {
        NACRE_ASSIGN(kvm, open_kvm());
    }
    const auto size = vm_size(bundle.spec, host_size());
    // Kept until the relay is in it.
    NACRE_ASSIGN(const auto cgroup, make_cgroup(bundle.spec, manager, size.memory_bytes, state));
    NACRE_ASSIGN(auto share,
                 plan_share(state.id, bundle.directory, bundle.spec, pod.sandbox || pod.is_member()));
    NACRE_ASSIGN(auto disks, plan_disks(bundle.directory, bundle.spec));
    pod.vm_directory = state.vm_directory;
    InitRelayTask task{&bundle,
                       &directory,
                       assets,
                       std::move(pod),
                       size,
                       std::move(share),
                       std::move(disks),
                       disk_limit,
                       cgroup->place(),
                       std::move(terminal),
                       std::move(descriptors),
                       plan_notify_socket(notify_socket_address(), bundle.spec, bundle.directory),
                       std::move(kvm)};
    NACRE_ASSIGN(const auto relay, fork_init_relay(std::move(task)));
    NACRE_ASSIGN(state.relay, identify_process(relay.pid));
    NACRE_TRY(directory.write(state));
    NACRE_TRY(follow_reports(relay, directory, state));
    if (const auto limits = host_resources(bundle.spec); has_quota(limits))
        NACRE_TRY(cgroup->limit(limits, size.memory_bytes + host_overhead_bytes));
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
    NACRE_ASSIGN(const auto limits, rate_limits(bundle.spec.annotations));
    warn_of_capabilities(*bundle.spec.process, options.warn);
    NACRE_ASSIGN(const auto pidfd_socket, connect_pidfd_socket(options.pidfd_socket));
    NACRE_ASSIGN(const auto assets, find_assets());
    NACRE_ASSIGN(auto pod, find_pod(store, bundle.spec));
    if (!pod.is_member())
        NACRE_TRY(check_host_network(bundle.spec, is_sandbox(bundle.spec.annotations), options.warn));
    NACRE_TRY(check_user_namespace(bundle.spec.linux, pod.shares(oci::NamespaceType::user)));
    NACRE_ASSIGN(const auto directory, store.create(options.id));
    auto state = initial_state(directory, bundle, pod);
    if (state) {
        if (auto room = make_room(store, bundle.spec, *state, options.warn); !room)
            state = tl::unexpected(std::move(room).error());
    }
    auto created = state ? create_in(directory, bundle, assets, options.cgroup_manager, limits.block,
                                     std::move(pod), std::move(terminal), std::move(descriptors), *state)
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
