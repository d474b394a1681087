#include "vmm/base/mount_calls.h"

#include <fcntl.h>
#include <sys/mount.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>

namespace nacre {

namespace {

constexpr unsigned clone_flags(bool recursive) {
    return OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC | (recursive ? AT_RECURSIVE : 0);
}

}  // namespace

Result<FileDescriptor> clone_mount(int source, bool recursive) {
    FileDescriptor tree(::open_tree(source, "", clone_flags(recursive) | AT_EMPTY_PATH));
    if (!tree)
        return fail_errno("copy mount");
    return tree;
}

Result<FileDescriptor> clone_mount(const std::string& path, bool recursive) {
    FileDescriptor tree(::open_tree(AT_FDCWD, path.c_str(), clone_flags(recursive)));
    if (!tree)
        return fail_errno("open {}", path);
    return tree;
}

Result<FileDescriptor> make_tmpfs_mount(const TmpfsLimits& limits) {
    const FileDescriptor context(::fsopen("tmpfs", FSOPEN_CLOEXEC));
    if (!context)
        return fail_errno("open tmpfs");
    const auto set = [&](const char* key, const char* value) {
        return ::fsconfig(context.get(), FSCONFIG_SET_STRING, key, value, 0) == 0;
    };
    if (!set("mode", "0755") || !set("size", limits.size) || !set("nr_inodes", limits.inodes))
        return fail_errno("configure tmpfs");
    if (::fsconfig(context.get(), FSCONFIG_CMD_CREATE, nullptr, nullptr, 0) < 0)
        return fail_errno("create tmpfs");
    FileDescriptor tmpfs(
        ::fsmount(context.get(), FSMOUNT_CLOEXEC, MOUNT_ATTR_NODEV | MOUNT_ATTR_NOSUID | MOUNT_ATTR_NOEXEC));
    if (!tmpfs)
        return fail_errno("mount tmpfs");
    return tmpfs;
}

Result<FileDescriptor> make_mount_point_tmpfs() {
    return make_tmpfs_mount({"1m", "16384"});
}

Result<FileDescriptor> make_process_mount() {
    const FileDescriptor context(::fsopen("proc", FSOPEN_CLOEXEC));
    if (!context)
        return fail_errno("open proc");
    if (::fsconfig(context.get(), FSCONFIG_SET_STRING, "subset", "pid", 0) < 0 ||
        ::fsconfig(context.get(), FSCONFIG_CMD_CREATE, nullptr, nullptr, 0) < 0)
        return fail_errno("create proc");
    FileDescriptor proc(
        ::fsmount(context.get(), FSMOUNT_CLOEXEC,
                  MOUNT_ATTR_RDONLY | MOUNT_ATTR_NODEV | MOUNT_ATTR_NOSUID | MOUNT_ATTR_NOEXEC));
    if (!proc)
        return fail_errno("mount proc");
    return proc;
}

Result<void> attach_mount(int mount, int target) {
    if (::move_mount(mount, "", target, "", MOVE_MOUNT_F_EMPTY_PATH | MOVE_MOUNT_T_EMPTY_PATH) < 0)
        return fail_errno("attach mount");
    return {};
}

Result<void> change_mount(int mount, std::uint64_t set, std::uint64_t clear, std::uint64_t propagation,
                          bool recursive) {
    struct mount_attr attributes {};
    attributes.attr_set = set;
    attributes.attr_clr = clear;
    attributes.propagation = propagation;
    const unsigned flags = AT_EMPTY_PATH | (recursive ? AT_RECURSIVE : 0);
    if (::mount_setattr(mount, "", flags, &attributes, sizeof attributes) < 0)
        return fail_errno("change attributes of mount");
    return {};
}

std::string file_system_message(int context) {
    char text[256];
    const int failure = errno;
    const auto length = ::read(context, text, sizeof text);
    errno = failure;
    if (length <= 2)  // "e " and the message
        return {};
    std::string message(text + 2, static_cast<std::size_t>(length - 2));
    std::ranges::replace(message, '\n', ' ');
    return " (" + message + ")";
}

}  // namespace nacre
