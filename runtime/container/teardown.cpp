#include "runtime/container/teardown.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>

#include "runtime/cgroup/cgroup_tree.h"
#include "runtime/cgroup/hierarchy.h"
#include "runtime/container/cgroup_of.h"
#include "runtime/container/volume_users.h"
#include "runtime/network/network.h"
#include "runtime/vm/agent_connection.h"
#include "runtime/vm/share.h"
#include "runtime/vm/vmm_control.h"
#include "vmm/base/file.h"
#include "vmm/base/pidfd.h"

namespace nacre::runtime {

namespace {

constexpr int exit_grace_ms = 3'000;
constexpr int kill_wait_ms = 5'000;
constexpr int poll_interval_ms = 20;
constexpr int cgroup_timeout_ms = 10'000;

/// Ends that very process; `grace_ms` is for one that is about to exit with a status that its caller wants.
Result<void> end_process(const ProcessIdentity& process, const char* what, int grace_ms) {
    const auto pidfd = open_process(process);
    if (!pidfd || wait_for_end(pidfd->get(), grace_ms))
        return {};
    NACRE_TRY(send_signal(pidfd->get(), SIGKILL));
    if (!wait_for_end(pidfd->get(), kill_wait_ms))
        return fail("kill the {} (pid {}): it does not end", what, process.pid);
    return {};
}

bool is_member(const ContainerState& state) {
    return !state.sandbox_id.empty();
}

/// Waits until the agent has killed what the relay stood for, and has it forget the container. A guest that does
/// not answer keeps nobody from deleting: what the host has given it is taken away.
void forget_in_guest(const ContainerState& state) {
    for (int waited_ms = 0; waited_ms < kill_wait_ms; waited_ms += poll_interval_ms) {
        const auto forgotten =
            call_agent(state.vm_directory, protocol::DeleteContainer{state.id}, kill_wait_ms);
        if (forgotten || forgotten.error().code != EBUSY)
            return;
        ::usleep(poll_interval_ms * 1000);
    }
}

Result<void> leave_share(const ContainerState& state) {
    NACRE_ASSIGN(const auto vmm, open_process(state.vmm));
    NACRE_ASSIGN(const auto volumes, VolumeUsers::lock(state.vm_directory));
    NACRE_ASSIGN(const auto unused, volumes.remove(state.id));
    return remove_from_share(vmm.get(), state.id, unused);
}

/// The VM goes on without the container.
Result<void> leave_pod(const ContainerState& state) {
    if (!is_alive(state.vmm))
        return {};
    forget_in_guest(state);
    for (const auto slot : state.device_slots)
        (void)detach_device(state.vm_directory, slot, kill_wait_ms);
    const auto removed = leave_share(state);
    // A VM that has ended meanwhile has taken its share with it.
    return is_alive(state.vmm) ? removed : Result<void>();
}

/// Where the container's interfaces are; none if its VM has none, or the relay has ended (and given them
/// back).
FileDescriptor network_namespace_of(const ContainerState& state) {
    if (state.interfaces.empty() || !is_alive(state.relay))
        return {};
    auto file = open_file(fmt::format("/proc/{}/ns/net", state.relay.pid), O_RDONLY);
    return file ? std::move(*file) : FileDescriptor();
}

/// The name of the program that a process was started as.
std::string name_of(pid_t pid) {
    const auto words = read_file(fmt::format("/proc/{}/cmdline", pid), 1 << 20).value_or("");
    const auto path = words.substr(0, words.find('\0'));
    return path.substr(path.rfind('/') + 1);
}

/// Relays have the name of this program. KVM puts a thread of the kernel's, which has no command line, beside
/// each VMM.
bool is_relay_or_vmm(pid_t pid) {
    const auto name = name_of(pid);
    return pid != ::getpid() && (name.empty() || name == name_of(::getpid()) || name == "nacre-vmm");
}

/// A cgroup that has other processes in it is the caller's, in which nacre was told to stay: it must not be
/// removed.
bool is_a_containers(const std::string& directory) {
    return std::ranges::all_of(CgroupTree({directory}).processes(), is_relay_or_vmm);
}

/// The directories of the cgroups that process `pid` is in, and that may be its container's.
std::vector<std::string> cgroups_of(pid_t pid) {
    const auto mountinfo = read_file("/proc/self/mountinfo", 4 << 20);
    const auto cgroups = read_file(fmt::format("/proc/{}/cgroup", pid), 1 << 20);
    std::vector<std::string> directories;
    if (!mountinfo || !cgroups)
        return directories;
    for (const auto& hierarchy : parse_hierarchies(*mountinfo, *cgroups)) {
        auto directory = hierarchy.mount_point + hierarchy.own_path;
        // The root cgroup is never a container's own.
        if (hierarchy.own_path != "/" && is_a_containers(directory))
            directories.push_back(std::move(directory));
    }
    return directories;
}

}  // namespace

Result<void> stop_processes(const ContainerState& state) {
    CgroupTree(state.cgroup_paths).thaw();
    // The relay goes first: the VMM dies with it. One that has recorded its exit is about to end by itself.
    const auto network_namespace = network_namespace_of(state);
    NACRE_TRY(end_process(state.relay, "relay", state.exit ? exit_grace_ms : 0));
    if (is_member(state))
        return {};
    NACRE_TRY(end_process(state.vmm, "VMM", 0));
    if (network_namespace)
        (void)disconnect_network(network_namespace.get(), state.interfaces);
    return {};
}

Result<void> tear_down(const ContainerDirectory& directory, const ContainerState& state) {
    NACRE_TRY(stop_processes(state));
    if (is_member(state))
        NACRE_TRY(leave_pod(state));
    NACRE_TRY(open_cgroup(cgroup_of(state))->remove(cgroup_timeout_ms));
    return directory.remove();
}

ContainerState recover_state(const ContainerDirectory& directory) {
    ContainerState state;
    state.id = directory.id();
    const auto socket = connect_to_vm(directory.path());
    if (!socket)
        return state;
    // The relay made the socket, and it lives as long as the VMM that holds it.
    ucred peer{};
    socklen_t length = sizeof peer;
    if (::getsockopt(socket->get(), SOL_SOCKET, SO_PEERCRED, &peer, &length) < 0 || peer.pid <= 1)
        return state;
    state.cgroup_paths = cgroups_of(peer.pid);
    if (const auto identity = identify_process(peer.pid))
        state.relay = *identity;
    return state;
}

}  // namespace nacre::runtime
