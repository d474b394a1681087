#include "guest-agent/container/namespaces.h"

#include <fcntl.h>
#include <net/if.h>
#include <sched.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cstring>

#include "guest-agent/container/user_namespace.h"
#include "runtime/oci/parser.h"
#include "vmm/base/file.h"

#ifndef CLONE_NEWTIME
#define CLONE_NEWTIME 0x00000080
#endif

namespace nacre::agent {

namespace {

bool is_new(const oci::Linux& linux_config, oci::NamespaceType type) {
    for (const auto& entry : linux_config.namespaces) {
        if (entry.type == type)
            return entry.path.empty();
    }
    return false;
}

/// A process enters a new time namespace only through its children or setns(2) (time_namespaces(7)).
Result<void> enter_time_namespace(const std::map<std::string, oci::TimeOffset>& offsets) {
    if (::unshare(CLONE_NEWTIME) < 0)
        return fail_errno("make time namespace");
    NACRE_ASSIGN(const auto file, open_file("/proc/self/timens_offsets", O_WRONLY));
    for (const auto& [clock, offset] : offsets) {
        const auto written =
            write_all(file.get(), fmt::format("{} {} {}", clock, offset.secs, offset.nanosecs));
        if (!written)
            return add_context(written.error(), "set time offset of " + clock);
    }
    NACRE_ASSIGN(const auto entry, open_file("/proc/self/ns/time_for_children", O_RDONLY));
    if (::setns(entry.get(), CLONE_NEWTIME) < 0)
        return fail_errno("enter time namespace");
    return {};
}

struct NamespaceKind {
    oci::NamespaceType type;
    const char* file;  // in /proc/PID/ns
    int flag;
};

/// In the order in which they are entered: the owner of the others first.
constexpr std::array kinds{
    NamespaceKind{oci::NamespaceType::user, "user", CLONE_NEWUSER},
    NamespaceKind{oci::NamespaceType::pid, "pid", CLONE_NEWPID},
    NamespaceKind{oci::NamespaceType::network, "net", CLONE_NEWNET},
    NamespaceKind{oci::NamespaceType::ipc, "ipc", CLONE_NEWIPC},
    NamespaceKind{oci::NamespaceType::uts, "uts", CLONE_NEWUTS},
    NamespaceKind{oci::NamespaceType::cgroup, "cgroup", CLONE_NEWCGROUP},
    NamespaceKind{oci::NamespaceType::time, "time", CLONE_NEWTIME},
};

}  // namespace

Result<FileDescriptor> open_namespace(pid_t pid, oci::NamespaceType type) {
    const auto kind = std::ranges::find(kinds, type, &NamespaceKind::type);
    if (kind == kinds.end())
        return fail_with(EINVAL, "a {} namespace is not for sharing", oci::name_of(type));
    return open_file(fmt::format("/proc/{}/ns/{}", pid, kind->file), O_RDONLY);
}

Result<void> enter_joined(const JoinedNamespaces& namespaces) {
    for (const auto& kind : kinds) {
        const auto joined = namespaces.find(kind.type);
        if (joined != namespaces.end() && ::setns(joined->second.get(), kind.flag) < 0)
            return fail_errno("enter the {} namespace of another container", oci::name_of(kind.type));
    }
    return {};
}

std::uint64_t clone_flags(const oci::Linux& linux_config, bool member) {
    using oci::NamespaceType;
    const bool user = has_user_namespace(linux_config);
    const auto wanted = [&](NamespaceType type) {
        return is_new(linux_config, type) ||
               (user && !member && linux_config.find_namespace(type) != nullptr);
    };
    std::uint64_t flags = CLONE_NEWNS;
    if (user)
        flags |= CLONE_NEWUSER;
    if (wanted(NamespaceType::pid))
        flags |= CLONE_NEWPID;
    if (wanted(NamespaceType::ipc))
        flags |= CLONE_NEWIPC;
    if (wanted(NamespaceType::uts))
        flags |= CLONE_NEWUTS;
    if (wanted(NamespaceType::network) && (user || member))
        flags |= CLONE_NEWNET;
    return flags;
}

Result<void> enter_late_namespaces(const oci::Linux& linux_config) {
    // clone3 with CLONE_NEWCGROUP would take the parent's cgroup as the namespace's root.
    if (is_new(linux_config, oci::NamespaceType::cgroup) && ::unshare(CLONE_NEWCGROUP) < 0)
        return fail_errno("make cgroup namespace");
    if (is_new(linux_config, oci::NamespaceType::time))
        return enter_time_namespace(linux_config.time_offsets);
    return {};
}

Result<void> enter_namespaces_of(int pidfd, bool user_namespace) {
    // All of them: entering one that the process is in already changes nothing, but for the user namespace,
    // where it is an error.
    constexpr int every = CLONE_NEWNS | CLONE_NEWPID | CLONE_NEWIPC | CLONE_NEWUTS | CLONE_NEWNET |
                          CLONE_NEWCGROUP | CLONE_NEWTIME;
    if (::setns(pidfd, user_namespace ? every | CLONE_NEWUSER : every) < 0)
        return fail_errno("enter the container's namespaces");
    return user_namespace ? become_namespace_root() : Result<void>();
}

Result<void> bring_loopback_up() {
    const FileDescriptor socket(::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0));
    if (!socket)
        return fail_errno("create socket");
    ifreq request{};
    std::strcpy(request.ifr_name, "lo");
    if (::ioctl(socket.get(), SIOCGIFFLAGS, &request) < 0)
        return fail_errno("read flags of interface lo");
    request.ifr_flags = static_cast<short>(request.ifr_flags | IFF_UP);
    if (::ioctl(socket.get(), SIOCSIFFLAGS, &request) < 0)
        return fail_errno("bring interface lo up");
    return {};
}

Result<void> set_names(const oci::Spec& spec) {
    if (!spec.hostname.empty() && ::sethostname(spec.hostname.data(), spec.hostname.size()) < 0)
        return fail_errno("set host name {}", spec.hostname);
    if (!spec.domainname.empty() && ::setdomainname(spec.domainname.data(), spec.domainname.size()) < 0)
        return fail_errno("set domain name {}", spec.domainname);
    return {};
}

}  // namespace nacre::agent
