#include "guest-agent/container/file_system.h"

#include <sys/mount.h>
#include <string>

#include "vmm/base/mount_calls.h"

namespace nacre::agent {

namespace {

Result<void> configure(int context, const oci::Mount& mount, const MountOptions& options) {
    if (!mount.source.empty() &&
        ::fsconfig(context, FSCONFIG_SET_STRING, "source", mount.source.c_str(), 0) < 0)
        return fail_errno("set source {}", mount.source);
    for (const auto& flag : options.flags) {
        if (::fsconfig(context, FSCONFIG_SET_FLAG, flag.c_str(), nullptr, 0) < 0)
            return fail_errno("option {}{}", flag, file_system_message(context));
    }
    for (const auto& [name, value] : options.values) {
        if (::fsconfig(context, FSCONFIG_SET_STRING, name.c_str(), value.c_str(), 0) < 0)
            return fail_errno("option {}={}{}", name, value, file_system_message(context));
    }
    if (::fsconfig(context, FSCONFIG_CMD_CREATE, nullptr, nullptr, 0) < 0)
        return fail_errno("make file system{}", file_system_message(context));
    return {};
}

}  // namespace

std::string file_system_type(const oci::Mount& mount) {
    return mount.type == "cgroup" ? "cgroup2" : mount.type;
}

Result<FileDescriptor> new_file_system(const oci::Mount& mount, const MountOptions& options,
                                       std::uint64_t attributes) {
    const auto type = file_system_type(mount);
    const FileDescriptor context(::fsopen(type.c_str(), FSOPEN_CLOEXEC));
    if (!context)
        return fail_errno("file system {}", type);
    NACRE_TRY(configure(context.get(), mount, options));
    FileDescriptor detached(::fsmount(context.get(), FSMOUNT_CLOEXEC, static_cast<unsigned>(attributes)));
    if (!detached)
        return fail_errno("mount file system {}", type);
    return detached;
}

}  // namespace nacre::agent
