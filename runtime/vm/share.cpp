#include "runtime/vm/share.h"

#include <fcntl.h>
#include <sched.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>

#include "vmm/base/mount_calls.h"

namespace nacre::runtime {

namespace {

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
        const FileDescriptor place(
            ::openat(root, share_mount.target.c_str(), O_PATH | O_NOFOLLOW | O_CLOEXEC));
        if (!place)
            return fail_errno("open {} in the share", share_mount.target);
        NACRE_TRY(attach_mount(share_mount.tree.get(), place.get()));
    }
    return {};
}

}  // namespace

Result<ShareMount> clone_tree(const std::string& source, std::string target, const TreeOptions& options) {
    NACRE_ASSIGN(auto tree, clone_mount(source, options.recursive));
    NACRE_TRY(change_mount(tree.get(), MOUNT_ATTR_NODEV, 0, options.follow ? MS_SLAVE : MS_PRIVATE,
                           options.recursive));
    if (options.read_only)
        NACRE_TRY(change_mount(tree.get(), MOUNT_ATTR_RDONLY, 0, 0, options.read_only_below));
    if (options.ids)
        NACRE_TRY(map_ids(tree.get(), *options.ids));
    struct stat status {};
    if (::fstat(tree.get(), &status) < 0)
        return fail_errno("stat {}", source);
    return ShareMount{std::move(target), S_ISDIR(status.st_mode), std::move(tree)};
}

Result<FileDescriptor> make_share(const std::string& place, const std::vector<ShareMount>& mounts) {
    if (::mount(nullptr, "/", nullptr, MS_SLAVE | MS_REC, nullptr) < 0)
        return fail_errno("detach mount propagation");
    NACRE_ASSIGN(auto root, make_mount_point_tmpfs());
    const FileDescriptor target(::open(place.c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC));
    if (!target)
        return fail_errno("open the place of the share, {}", place);
    NACRE_TRY(attach_mount(root.get(), target.get()));
    NACRE_TRY(attach_all(root.get(), root.get(), mounts));
    NACRE_TRY(change_mount(root.get(), MOUNT_ATTR_RDONLY, 0, 0, false));
    return root;
}

Result<void> add_to_share(int root, const std::vector<ShareMount>& mounts) {
    // The share's mount is read-only; a private copy of it is made writable just for making the mount points,
    // so that the guest never sees a writable share root.
    NACRE_ASSIGN(const auto copy, clone_mount(root, false));
    NACRE_TRY(change_mount(copy.get(), 0, MOUNT_ATTR_RDONLY, 0, false));
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
    const auto result = change_mount(tree.get(), MOUNT_ATTR_RDONLY, 0, 0, false);
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
