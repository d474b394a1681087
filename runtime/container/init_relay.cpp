#include "runtime/container/init_relay.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/prctl.h>
#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <optional>
#include <utility>

#include "runtime/cgroup/oom_kill_count.h"
#include "runtime/container/container_view.h"
#include "runtime/container/device_slots.h"
#include "runtime/container/guest_proc.h"
#include "runtime/container/network_namespace.h"
#include "runtime/container/volume_users.h"
#include "runtime/network/host_devices.h"
#include "runtime/network/name_relay.h"
#include "runtime/network/network.h"
#include "runtime/network/port_forwarder.h"
#include "runtime/relay/inherited_descriptors.h"
#include "runtime/relay/relay.h"
#include "runtime/relay/relay_reports.h"
#include "runtime/state/timestamp.h"
#include "runtime/vm/vmm_control.h"
#include "vmm/base/thread.h"

namespace nacre::runtime {

namespace {

// Far beyond what a boot takes even on an emulated CPU: only a guest that will never answer meets these.
constexpr int boot_timeout_ms = 120'000;
constexpr int create_timeout_ms = 120'000;
constexpr int attach_timeout_ms = 60'000;
constexpr int lock_timeout_ms = 10'000;
constexpr std::size_t stack_bytes = 1 << 20;

/// Each has a thread in nacre-vmm.
constexpr std::uint32_t max_disk_queues = 4;

/// The VM that a container runs in.
struct Home {
    std::optional<VirtualMachine> vm;  // that was started for it
    FileDescriptor vmm;                // else a pidfd of the pod's nacre-vmm,
    FileDescriptor lifeline;           // and what keeps that running

    int pidfd() const { return vm ? vm->pidfd() : vmm.get(); }
};

/// A created container: the VM it runs in and the process to relay.
struct Created {
    Home home;
    RelayedProcess process;
    Streams streams;
    NotificationRelay notifications;
};

/// In the figures' file that NACRE_STATS names, for the benchmark.
int open_stats() {
    const char* path = std::getenv("NACRE_STATS");
    return path == nullptr ? -1 : ::open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
}

std::uint32_t disk_queues(const InitRelayTask& task) {
    return std::min(task.size.vcpus, max_disk_queues);
}

/// Those that are in the network namespace already, as a caller that names one has seen to. An error shows
/// when they are connected.
std::size_t known_interfaces(const oci::Spec& spec) {
    const auto* place = spec.linux.find_namespace(oci::NamespaceType::network);
    if (place == nullptr || place->path.empty() || wants_host_network(spec))
        return 0;
    return count_interfaces().value_or(0);
}

Result<VirtualMachine> launch_vm(InitRelayTask& task) {
    VmOptions options;
    options.kvm_fd = task.kvm.get();
    options.directory = task.pod.vm_directory;
    options.outlives_relay = task.pod.sandbox;
    options.memory_bytes = task.size.memory_bytes;
    options.max_memory_bytes = task.size.max_memory_bytes;
    options.vcpus = task.size.vcpus;
    options.max_vcpus = task.size.max_vcpus;
    // What members of a pod bring is not known yet.
    options.serves_files = task.pod.sandbox || !task.share.trees.empty();
    options.mounts = std::move(task.share.trees);
    const auto disks = static_cast<std::uint32_t>(task.disks.size());
    NACRE_ASSIGN(options.hotplug_slots,
                 device_slots(known_interfaces(task.bundle->spec), disks, task.pod.sandbox));
    options.disk_rings = disks * disk_queues(task) + (task.pod.sandbox ? disks_of_members : 0);
    const FileDescriptor stats(open_stats());
    options.stats_fd = stats.get();
    return VirtualMachine::launch(task.assets, options);
}

Result<Home> start_vm(InitRelayTask& task, int reports) {
    if (task.pod.sandbox) {
        NACRE_ASSIGN(const auto volumes, VolumeUsers::lock(task.pod.vm_directory));
        NACRE_TRY(use_volumes(task.directory->id(), task.share, volumes));
    }
    NACRE_ASSIGN(auto vm, launch_vm(task));
    task.kvm.reset();
    NACRE_TRY(report_line(reports, fmt::format("vmm {}", vm.pid())));
    NACRE_TRY(vm.wait_ready(boot_timeout_ms));
    return Home{std::move(vm), {}, {}};
}

/// The lifeline first: from then on the VM does not end because the others have gone.
Result<Home> join_vm(InitRelayTask& task) {
    NACRE_ASSIGN(auto lifeline, hold_lifeline(task.pod.vm_directory));
    NACRE_ASSIGN(auto vmm, open_process(task.pod.vmm));
    NACRE_ASSIGN(const auto volumes, VolumeUsers::lock(task.pod.vm_directory));
    NACRE_TRY(use_volumes(task.directory->id(), task.share, volumes));
    NACRE_TRY(add_to_share(vmm.get(), std::exchange(task.share.trees, {})));
    return Home{std::nullopt, std::move(vmm), std::move(lifeline)};
}

/// Gives the container's disks to the VM, and says what its kernel calls them. From then on nacre-vmm alone
/// holds the files, and the locks on them.
Result<std::vector<protocol::Disk>> attach_disks(InitRelayTask& task, int reports) {
    std::vector<protocol::Disk> attached;
    for (const auto& disk : std::exchange(task.disks, {})) {
        const control::AttachDisk request{disk.read_only, disk.id, disk_queues(task), task.disk_limit};
        NACRE_ASSIGN(auto device,
                     attach_device(task.pod.vm_directory, request, {disk.file.get()}, attach_timeout_ms));
        NACRE_TRY(report_line(reports, fmt::format("slot {}", device.slot)));
        attached.push_back({disk.role, disk.index, std::move(device.name)});
    }
    return attached;
}

protocol::CreateContainer create_request(const InitRelayTask& task, std::vector<protocol::Disk> disks) {
    protocol::CreateContainer request;
    request.id = task.directory->id();
    request.config = task.bundle->config;
    request.rootfs = task.share.rootfs;
    request.host_rootfs = task.bundle->rootfs;
    request.mounts = task.share.mounts;
    request.disks = std::move(disks);
    request.member = task.pod.is_member();
    request.keep_vm = task.pod.sandbox;
    request.callers_terminal = task.terminal.caller.valid();
    request.namespaces = task.pod.namespaces;
    request.descriptors = directions_of(task.descriptors);
    request.notify_socket = task.notify.path;
    return request;
}

Result<AgentConnection> create_in_guest(InitRelayTask& task, int reports) {
    NACRE_ASSIGN(auto disks, attach_disks(task, reports));
    NACRE_ASSIGN(auto owner,
                 AgentConnection::connect(task.pod.vm_directory, protocol::control_port, create_timeout_ms));
    NACRE_ASSIGN(const auto answer, owner.call(create_request(task, std::move(disks)), create_timeout_ms));
    if (!std::holds_alternative<protocol::Created>(answer))
        return fail("create the container: the guest agent gave an answer that was not asked for");
    return owner;
}

/// What watchers of the host's cgroup see of an OOM kill in the guest.
std::function<void()> oom_kill_counter(const CgroupPlace& cgroup, HostOomKills& host) {
    return [&cgroup, &host] {
        (void)open_cgroup(cgroup)->count_oom_kill();
        host.forget();
    };
}

/// Only the one whose network the VM has, and never from the host's own namespace: 127.0.0.11 is the host
/// there.
std::function<void()> name_relay(const InitRelayTask& task) {
    if (task.pod.is_member() || wants_host_network(task.bundle->spec))
        return nullptr;
    return [directory = task.pod.vm_directory, id = task.directory->id()] { relay_names(directory, id); };
}

/// Of a namespace that others can enter by its path, but for the host's, whose localhost is the host's. Where
/// the kernel cannot do it, ports are not forwarded.
void forward_ports_of(const InitRelayTask& task) {
    const auto* place = task.bundle->spec.linux.find_namespace(oci::NamespaceType::network);
    if (!task.pod.is_member() && place != nullptr && !place->path.empty() &&
        !wants_host_network(task.bundle->spec))
        (void)forward_ports(task.pod.vm_directory, task.directory->id());
}

/// The host's interfaces that are to go into the container's network namespace.
Result<HostDevices> find_devices(const InitRelayTask& task) {
    HostDevices::Names names;
    for (const auto& [name, device] : task.bundle->spec.linux.net_devices)
        names.emplace(name, device.name);
    if (!names.empty() && task.pod.is_member())
        return fail("/linux/netDevices: the VM of a pod has the interfaces of its sandbox alone");
    if (!names.empty() && wants_host_network(task.bundle->spec))
        return fail("/linux/netDevices: unable to move network devices without a private NET namespace");
    return HostDevices::find(names);
}

Result<Created> bring_up(InitRelayTask& task, HostOomKills& oom_kills, int reports) {
    NACRE_ASSIGN(auto devices, find_devices(task));
    NACRE_TRY(enter_network_namespace(task.bundle->spec));
    NACRE_ASSIGN(auto home, task.pod.is_member() ? join_vm(task) : start_vm(task, reports));
    NACRE_ASSIGN(auto owner, create_in_guest(task, reports));
    if (task.bundle->spec.root->readonly && !task.share.rootfs.empty())
        NACRE_TRY(make_read_only(home.pidfd(), task.share.rootfs));
    const auto& directory = task.pod.vm_directory;
    const protocol::ProcessName init{task.directory->id(), ""};
    const bool has_terminal = task.terminal.wanted;
    NACRE_ASSIGN(auto terminal, take_terminal(task.terminal));
    NACRE_ASSIGN(auto streams, Streams::attach(directory, init, has_terminal, std::move(task.descriptors)));
    NACRE_ASSIGN(auto notifications,
                 NotificationRelay::start(directory, task.directory->id(), std::move(task.notify.receiver)));
    forward_ports_of(task);
    NACRE_TRY(devices.move_here());
    RelayedProcess process{init,
                           directory,
                           std::move(owner),
                           std::move(terminal),
                           oom_kill_counter(task.cgroup, oom_kills),
                           name_relay(task),
                           [&oom_kills] { return oom_kills.any(); }};
    pass_window_size(process);
    return Created{std::move(home), std::move(process), std::move(streams), std::move(notifications)};
}

Result<void> record_exit(const Store& store, const std::string& id, const ProcessEnd& end) {
    NACRE_ASSIGN(const auto directory, store.open(id));
    NACRE_TRY(directory.lock(lock_timeout_ms));
    NACRE_ASSIGN(auto state, directory.read());
    state.status = Status::stopped;
    // Before callers learn of the end: they may use the namespace again.
    if (!end.vm_stays)
        (void)disconnect_network(own_network_namespace, state.interfaces);
    state.exit = ContainerExit{end.status, end.out_of_memory, end.cause, rfc3339_nano(now())};
    return directory.write(state);
}

std::string parent_of(const std::string& path) {
    return path.substr(0, path.rfind('/'));
}

/// Stands for the container's init until it has ended, and records its end. Returns its exit status.
int relay_init(const InitRelayTask& task, Created created, const SignalForwarder& signals) {
    auto& vm = created.home.vm;
    const auto end =
        relay_process(std::move(created.process), std::move(created.streams), signals, vm ? &*vm : nullptr);
    const Store store(parent_of(task.directory->path()));
    // The exit status is what callers go by; a record that cannot be written must not change it.
    (void)record_exit(store, task.directory->id(), end);
    return end.status;
}

/// The thread that calls `relay`, and one that serves `proc` if there is one.
Result<Thread> begin_relaying(const InitRelayTask& task, GuestProc* proc,
                              const std::function<void()>& relay) {
    if (proc != nullptr) {
        NACRE_ASSIGN(auto serving, Thread::start("guest-proc", stack_bytes, [proc, &task] {
                         proc->serve(task.pod.vm_directory, task.directory->id());
                     }));
        serving.detach();
    }
    return Thread::start("relay", stack_bytes, relay);
}

/// The relay's life. Never returns to the caller's code.
[[noreturn]] void relay_main(InitRelayTask task, FileDescriptor reports, pid_t creator,
                             const Result<void>& joined) {
    // A caller that is killed in the middle of create leaves nothing behind: relay and VMM die with it.
    ::prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (::getppid() != creator)
        ::_exit(1);
    ::setsid();
    const bool on_callers_terminal = task.terminal.caller.valid();
    close_inherited_descriptors();
    const auto signals = joined ? SignalForwarder::create() : tl::unexpected(joined.error());
    HostOomKills oom_kills(task.cgroup);
    auto created = signals ? bring_up(task, oom_kills, reports.get()) : tl::unexpected(signals.error());
    if (!created && oom_kills.any())
        created.error().message += out_of_memory_on_host;
    if (!created) {
        report_failure(reports.get(), created.error());
        ::_exit(1);
    }
    // The main thread shows the container's files to the host; the others keep the host's. Without a /proc
    // the view is as good for all else.
    auto proc = GuestProc::create();
    int status = 0;
    auto relay = begin_relaying(task, proc ? &*proc : nullptr,
                                [&] { status = relay_init(task, std::move(*created), *signals); });
    const auto shown = relay ? enter_container_view(task.bundle->spec, task.bundle->directory,
                                                    task.directory->path(), proc ? &*proc : nullptr)
                             : tl::unexpected(relay.error());
    if (!shown) {
        report_failure(reports.get(), shown.error());
        ::_exit(1);
    }
    // The caller's terminal is read here only as long as the caller leaves it to us.
    if (!on_callers_terminal)
        ::prctl(PR_SET_PDEATHSIG, 0);
    if (!report_line(reports.get(), "created"))
        ::_exit(1);
    reports.reset();
    relay->join();
    ::_exit(status);
}

}  // namespace

Result<InitRelay> fork_init_relay(InitRelayTask task) {
    NACRE_ASSIGN(auto pipe, make_report_pipe());
    const pid_t creator = ::getpid();
    NACRE_ASSIGN(const auto forked, open_cgroup(task.cgroup)->fork());
    if (forked.pid == 0) {
        pipe.reader.reset();
        // The lock on the directory is the creator's: kept here it would outlive it.
        ::close(task.directory->fd());
        relay_main(std::move(task), std::move(pipe.writer), creator, forked.joined);
    }
    return InitRelay{forked.pid, std::move(pipe.reader)};
}

}  // namespace nacre::runtime
