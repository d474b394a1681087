#include "guest-agent/container/mount_calls.h"

#include <fcntl.h>
#include <sys/mount.h>

namespace nacre::agent {

Result<FileDescriptor> clone_mount(int source, bool recursive) {
    const unsigned flags =
        OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC | AT_EMPTY_PATH | (recursive ? AT_RECURSIVE : 0);
    FileDescriptor tree(::open_tree(source, "", flags));
    if (!tree)
        return fail_errno("copy mount");
    return tree;
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

}  // namespace nacre::agent
