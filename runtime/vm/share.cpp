#include "runtime/vm/share.h"

#include <dirent.h>
#include <fcntl.h>
#include <fmt/ranges.h>
#include <sched.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <memory>

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

Result<ShareMount> as_share_mount(FileDescriptor tree, std::string target, const TreeOptions& options) {
    NACRE_TRY(change_mount(tree.get(), MOUNT_ATTR_NODEV, 0, options.follow ? MS_SLAVE : MS_PRIVATE,
                           options.recursive));
    if (options.read_only)
        NACRE_TRY(change_mount(tree.get(), MOUNT_ATTR_RDONLY, 0, 0, options.read_only_below));
    if (options.ids)
        NACRE_TRY(map_ids(tree.get(), *options.ids));
    struct stat status {};
    if (::fstat(tree.get(), &status) < 0)
        return fail_errno("stat the source of {}", target);
    return ShareMount{std::move(target), S_ISDIR(status.st_mode), std::move(tree)};
}

Result<void> set_overlay_option(int context, const std::string& option) {
    const auto equals = option.find('=');
    const auto name = option.substr(0, equals);
    if (equals != std::string::npos &&
        ::fsconfig(context, FSCONFIG_SET_STRING, name.c_str(), option.c_str() + equals + 1, 0) < 0)
        return fail_errno("option {}{}", option, file_system_message(context));
    if ((name == "volatile" || name == "userxattr") &&
        ::fsconfig(context, FSCONFIG_SET_FLAG, name.c_str(), nullptr, 0) < 0)
        return fail_errno("option {}{}", option, file_system_message(context));
    return {};
}

}  // namespace

Result<ShareMount> clone_tree(const std::string& source, std::string target, const TreeOptions& options) {
    NACRE_ASSIGN(auto tree, clone_mount(source, options.recursive));
    return as_share_mount(std::move(tree), std::move(target), options);
}

Result<ShareMount> overlay_tree(const std::vector<std::string>& options, std::string target,
                                const TreeOptions& tree_options) {
    const FileDescriptor context(::fsopen("overlay", FSOPEN_CLOEXEC));
    if (!context)
        return fail_errno("open file system overlay");
    for (const auto& option : options)
        NACRE_TRY(set_overlay_option(context.get(), option));
    if (::fsconfig(context.get(), FSCONFIG_CMD_CREATE, nullptr, nullptr, 0) < 0)
        return fail_errno("make overlay of {}{}", fmt::join(options, ","), file_system_message(context.get()));
    FileDescriptor tree(::fsmount(context.get(), FSMOUNT_CLOEXEC, 0));
    if (!tree)
        return fail_errno("mount overlay");
    return as_share_mount(std::move(tree), std::move(target), tree_options);
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

namespace {

/// The share's mount is read-only; a private copy of it is made writable just for changing what is in the share's
/// own tmpfs, so that the guest never sees a writable share root.
Result<FileDescriptor> writable_copy(int root) {
    NACRE_ASSIGN(auto copy, clone_mount(root, false));
    NACRE_TRY(change_mount(copy.get(), 0, MOUNT_ATTR_RDONLY, 0, false));
    return copy;
}

/// Runs `change` in a child process in the VMM's mount namespace, whose root is the share, and gives it that root.
template <class Change>
Result<void> change_share(int vmm_pidfd, const std::string& what, const Change& change) {
    const pid_t child = ::fork();
    if (child < 0)
        return fail_errno("fork");
    if (child == 0) {
        if (::setns(vmm_pidfd, CLONE_NEWNS) < 0)
            ::_exit(errno);
        const FileDescriptor root(::open("/", O_PATH | O_DIRECTORY | O_CLOEXEC));
        const Result<void> result = root ? change(root.get()) : fail_errno("open the share");
        ::_exit(result ? 0 : std::max(result.error().code, 1));
    }
    int status = 0;
    while (::waitpid(child, &status, 0) < 0 && errno == EINTR) {
    }
    if (WIFEXITED(status) && WEXITSTATUS(status) == 0)
        return {};
    return fail_with(WIFEXITED(status) ? WEXITSTATUS(status) : EIO, "{} the share of the running VM", what);
}

/// A directory of the share's own tmpfs. None: it is gone.
std::vector<std::string> names_in(int root, const std::string& path) {
    std::vector<std::string> names;
    const int fd = ::openat(root, path.c_str(), O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    const std::unique_ptr<DIR, int (*)(DIR*)> directory(fd < 0 ? nullptr : ::fdopendir(fd), ::closedir);
    while (const auto* entry = directory ? ::readdir(directory.get()) : nullptr) {
        const std::string name = entry->d_name;
        if (name != "." && name != "..")
            names.push_back(path + "/" + name);
    }
    return names;
}

/// Its mount goes with all below it, then its place.
Result<void> remove_mount(int copy, const std::string& path) {
    ::umount2(("/" + path).c_str(), MNT_DETACH | UMOUNT_NOFOLLOW);
    if (::unlinkat(copy, path.c_str(), AT_REMOVEDIR) == 0 || ::unlinkat(copy, path.c_str(), 0) == 0 ||
        errno == ENOENT)
        return {};
    return fail_errno("remove {}", path);
}

void remove_directory(int copy, const std::string& path) {
    ::unlinkat(copy, path.c_str(), AT_REMOVEDIR);
}

/// As plan_share() laid it out: NAME/rootfs, NAME/mounts/INDEX/SOURCE.
Result<void> remove_container_from(int root, const std::string& name,
                                   const std::vector<std::string>& further) {
    NACRE_ASSIGN(const auto copy, writable_copy(root));
    for (const auto& target : further) {
        NACRE_TRY(remove_mount(copy.get(), target));
        remove_directory(copy.get(), target.substr(0, target.rfind('/')));
    }
    const auto mounts = name + "/mounts";
    for (const auto& index : names_in(copy.get(), mounts)) {
        for (const auto& source : names_in(copy.get(), index))
            NACRE_TRY(remove_mount(copy.get(), source));
        remove_directory(copy.get(), index);
    }
    remove_directory(copy.get(), mounts);
    NACRE_TRY(remove_mount(copy.get(), name + "/rootfs"));
    remove_directory(copy.get(), name);
    return {};
}

}  // namespace

Result<void> add_to_share(int vmm_pidfd, const std::vector<ShareMount>& mounts) {
    return change_share(vmm_pidfd, "add to", [&](int root) -> Result<void> {
        NACRE_ASSIGN(const auto copy, writable_copy(root));
        return attach_all(copy.get(), root, mounts);
    });
}

Result<void> remove_from_share(int vmm_pidfd, const std::string& name,
                               const std::vector<std::string>& further) {
    return change_share(vmm_pidfd, "remove from",
                        [&](int root) { return remove_container_from(root, name, further); });
}

Result<void> make_read_only(int vmm_pidfd, const std::string& target) {
    return change_share(vmm_pidfd, "make read-only " + target + " in", [&](int root) -> Result<void> {
        // Every component but the mount itself lies on the share's own tmpfs, which no guest can write.
        const FileDescriptor tree(::openat(root, target.c_str(), O_PATH | O_NOFOLLOW | O_CLOEXEC));
        if (!tree)
            return fail_errno("open {}", target);
        return change_mount(tree.get(), MOUNT_ATTR_RDONLY, 0, 0, false);
    });
}

}  // namespace nacre::runtime
