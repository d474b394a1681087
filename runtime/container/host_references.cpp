#include "runtime/container/host_references.h"

#include <fcntl.h>
#include <linux/nsfs.h>
#include <sched.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <utility>

#include "runtime/oci/parser.h"
#include "vmm/base/file.h"

#ifndef CLONE_NEWTIME
#define CLONE_NEWTIME 0x00000080
#endif

namespace nacre::runtime {

namespace {

constexpr std::array<std::pair<oci::NamespaceType, int>, 8> clone_flags{{
    {oci::NamespaceType::pid, CLONE_NEWPID},
    {oci::NamespaceType::network, CLONE_NEWNET},
    {oci::NamespaceType::mount, CLONE_NEWNS},
    {oci::NamespaceType::ipc, CLONE_NEWIPC},
    {oci::NamespaceType::uts, CLONE_NEWUTS},
    {oci::NamespaceType::user, CLONE_NEWUSER},
    {oci::NamespaceType::cgroup, CLONE_NEWCGROUP},
    {oci::NamespaceType::time, CLONE_NEWTIME},
}};

int clone_flag(oci::NamespaceType type) {
    for (const auto& [candidate, flag] : clone_flags) {
        if (candidate == type)
            return flag;
    }
    return 0;
}

}  // namespace

SecurityModules host_security_modules() {
    constexpr std::size_t limit = 16;
    const auto apparmor = read_file("/sys/module/apparmor/parameters/enabled", limit);
    return {apparmor && apparmor->starts_with('Y'), ::access("/sys/fs/selinux/enforce", F_OK) == 0};
}

Result<void> check_labels(const oci::Process& process, const std::string& mount_label,
                          const SecurityModules& modules) {
    if (!process.apparmor_profile.empty() && process.apparmor_profile != "unconfined" && !modules.apparmor)
        return fail("apparmor profile {} is specified, but apparmor is not enabled on the host",
                    process.apparmor_profile);
    const auto& label = process.selinux_label.empty() ? mount_label : process.selinux_label;
    if (!label.empty() && !modules.selinux)
        return fail("selinux label {} is specified, but selinux is disabled or not supported", label);
    return {};
}

Result<void> check_namespace_paths(const oci::Linux& linux_config) {
    for (const auto& entry : linux_config.namespaces) {
        if (entry.path.empty())
            continue;
        NACRE_ASSIGN(const auto file, open_file(entry.path, O_RDONLY | O_NONBLOCK | O_NOCTTY));
        if (::ioctl(file.get(), NS_GET_NSTYPE) != clone_flag(entry.type))
            return fail("config.json: /linux/namespaces: {} is not a {} namespace", entry.path,
                        oci::name_of(entry.type));
    }
    return {};
}

Result<void> check_user_namespace(const oci::Linux& linux_config, bool shared) {
    const auto* user = linux_config.find_namespace(oci::NamespaceType::user);
    const bool mapped = !linux_config.uid_mappings.empty() && !linux_config.gid_mappings.empty();
    if (user == nullptr || user->path.empty() || mapped || shared)
        return {};
    struct stat given {};
    struct stat own {};
    if (::stat(user->path.c_str(), &given) < 0 || ::stat("/proc/self/ns/user", &own) < 0)
        return fail_errno("look up user namespace {}", user->path);
    if (given.st_dev != own.st_dev || given.st_ino != own.st_ino)
        return fail(
            "config.json: /linux/namespaces: a virtual machine cannot enter the user namespace {}; give its "
            "uidMappings and gidMappings as well",
            user->path);
    return {};
}

}  // namespace nacre::runtime
