#include "runtime/vm/share.h"

#include <fcntl.h>
#include <linux/mount.h>
#include <sched.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <cstdint>

// glibc's <sys/mount.h> clashes with <linux/mount.h>, hence the declarations of what is needed from it.
extern "C" int mount(const char* source, const char* target, const char* type, unsigned long flags,
                     const void* data);

namespace nacre::runtime {

namespace {

constexpr unsigned long ms_slave = 1UL << 19;
constexpr unsigned long ms_private = 1UL << 18;
constexpr unsigned at_recursive = 0x8000;

int open_tree(int directory, const char* path, unsigned flags) {
    return static_cast<int>(::syscall(SYS_open_tree, directory, path, flags));
}

Result<void> set_attributes(int tree, bool recursive, const mount_attr& attributes) {
    const unsigned flags = AT_EMPTY_PATH | (recursive ? at_recursive : 0U);
    if (::syscall(SYS_mount_setattr, tree, "", flags, &attributes, sizeof attributes) < 0)
        return fail_errno("set mount attributes");
    return {};
}

Result<void> move_mount(int tree, int directory, const char* target) {
    if (::syscall(SYS_move_mount, tree, "", directory, target, MOVE_MOUNT_F_EMPTY_PATH) < 0)
        return fail_errno("attach mount at {}", target);
    return {};
}

/// A private tmpfs with room for mount points only.
Result<FileDescriptor> make_tmpfs() {
    const FileDescriptor context(static_cast<int>(::syscall(SYS_fsopen, "tmpfs", FSOPEN_CLOEXEC)));
    if (!context)
        return fail_errno("open tmpfs");
    const auto set = [&](const char* key, const char* value) {
        return ::syscall(SYS_fsconfig, context.get(), FSCONFIG_SET_STRING, key, value, 0) == 0;
    };
    if (!set("mode", "0755") || !set("size", "1m") || !set("nr_inodes", "16384"))
        return fail_errno("configure tmpfs");
    if (::syscall(SYS_fsconfig, context.get(), FSCONFIG_CMD_CREATE, nullptr, nullptr, 0) < 0)
        return fail_errno("create tmpfs");
    FileDescriptor mount_fd(
        static_cast<int>(::syscall(SYS_fsmount, context.get(), FSMOUNT_CLOEXEC,
                                   MOUNT_ATTR_NODEV | MOUNT_ATTR_NOSUID | MOUNT_ATTR_NOEXEC)));
    if (!mount_fd)
        return fail_errno("mount tmpfs");
    return mount_fd;
}

/// Makes `path` (relative, no "..": made by the runtime from a checked container id) below `root`, with its
/// parents.
Result<void> make_mount_point(int root, const std::string& path, bool directory) {
    for (auto slash = path.find('/'); slash != std::string::npos; slash = path.find('/', slash + 1)) {
        const auto parent = path.substr(0, slash);
        if (::mkdirat(root, parent.c_str(), 0755) < 0 && errno != EEXIST)
            return fail_errno("create {} in the share", parent);
    }
    if (directory) {
        if (::mkdirat(root, path.c_str(), 0755) < 0 && errno != EEXIST)
            return fail_errno("create {} in the share", path);
        return {};
    }
    const FileDescriptor file(
        ::openat(root, path.c_str(), O_CREAT | O_RDONLY | O_NOFOLLOW | O_CLOEXEC, 0644));
    if (!file)
        return fail_errno("create {} in the share", path);
    return {};
}

Result<void> attach_all(int writable_root, int root, const std::vector<ShareMount>& mounts) {
    for (const auto& share_mount : mounts) {
        NACRE_TRY(make_mount_point(writable_root, share_mount.target, share_mount.directory));
        NACRE_TRY(move_mount(share_mount.tree.get(), root, share_mount.target.c_str()));
    }
    return {};
}

}  // namespace

Result<ShareMount> clone_tree(const std::string& source, std::string target, const TreeOptions& options) {
    const unsigned recursive = options.recursive ? at_recursive : 0U;
    FileDescriptor tree(open_tree(AT_FDCWD, source.c_str(), OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC | recursive));
    if (!tree)
        return fail_errno("open {}", source);
    mount_attr attributes{};
    attributes.attr_set = MOUNT_ATTR_NODEV;
    attributes.propagation = options.follow ? ms_slave : ms_private;
    NACRE_TRY(set_attributes(tree.get(), options.recursive, attributes));
    if (options.read_only) {
        mount_attr read_only{};
        read_only.attr_set = MOUNT_ATTR_RDONLY;
        NACRE_TRY(set_attributes(tree.get(), false, read_only));
    }
    struct stat status {};
    if (::fstat(tree.get(), &status) < 0)
        return fail_errno("stat {}", source);
    return ShareMount{std::move(target), S_ISDIR(status.st_mode), std::move(tree)};
}

Result<FileDescriptor> make_share(const std::string& place, const std::vector<ShareMount>& mounts) {
    if (::mount(nullptr, "/", nullptr, ms_slave | 0x4000UL /* MS_REC */, nullptr) < 0)
        return fail_errno("detach mount propagation");
    NACRE_ASSIGN(const auto tmpfs, make_tmpfs());
    NACRE_TRY(move_mount(tmpfs.get(), AT_FDCWD, place.c_str()));
    FileDescriptor root(::open(place.c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC));
    if (!root)
        return fail_errno("open the share at {}", place);
    NACRE_TRY(attach_all(root.get(), root.get(), mounts));
    mount_attr read_only{};
    read_only.attr_set = MOUNT_ATTR_RDONLY;
    NACRE_TRY(set_attributes(root.get(), false, read_only));
    return root;
}

Result<void> add_to_share(int root, const std::vector<ShareMount>& mounts) {
    // The share's mount is read-only; a private copy of it is made writable just for making the mount points,
    // so that the guest never sees a writable share root.
    const FileDescriptor copy(open_tree(root, "", OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC | AT_EMPTY_PATH));
    if (!copy)
        return fail_errno("copy the share's root");
    mount_attr writable{};
    writable.attr_clr = MOUNT_ATTR_RDONLY;
    NACRE_TRY(set_attributes(copy.get(), false, writable));
    return attach_all(copy.get(), root, mounts);
}

namespace {

/// In a child process: enters the VMM's mount namespace, whose root is the share. Returns 0 or an errno.
int set_read_only_in(int vmm_pidfd, const std::string& target) {
    if (::setns(vmm_pidfd, CLONE_NEWNS) < 0)
        return errno;
    // Every component but the mount itself lies on the share's own tmpfs, which no guest can write.
    const FileDescriptor tree(::open(("/" + target).c_str(), O_PATH | O_NOFOLLOW | O_CLOEXEC));
    if (!tree)
        return errno;
    mount_attr read_only{};
    read_only.attr_set = MOUNT_ATTR_RDONLY;
    const auto result = set_attributes(tree.get(), false, read_only);
    return result ? 0 : result.error().code;
}

}  // namespace

Result<void> make_read_only(int vmm_pidfd, const std::string& target) {
    const pid_t child = ::fork();
    if (child < 0)
        return fail_errno("fork");
    if (child == 0)
        ::_exit(set_read_only_in(vmm_pidfd, target));
    int status = 0;
    while (::waitpid(child, &status, 0) < 0 && errno == EINTR) {
    }
    if (WIFEXITED(status) && WEXITSTATUS(status) == 0)
        return {};
    return fail_with(WIFEXITED(status) ? WEXITSTATUS(status) : EIO, "make {} in the share read-only", target);
}

}  // namespace nacre::runtime
