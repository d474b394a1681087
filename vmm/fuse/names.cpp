#include <fcntl.h>
#include <linux/fs.h>
#include <linux/limits.h>
#include <stdio.h>
#include <unistd.h>

#include "vmm/fuse/beneath.h"
#include "vmm/fuse/operations.h"

namespace nacre::fuse::operations {

namespace {

Outcome<> remove_name(Call& call, int unlink_flags) {
    NACRE_ASSIGN(const char* name, call.arguments.take_name());
    NACRE_ASSIGN(const auto directory, call.descriptor());
    call.file_system.inodes().hold_before_unlink(directory->get(), name);
    return check(unlinkat(directory->get(), name, unlink_flags));
}

Outcome<> move_name(Call& call, NodeId target_directory, unsigned flags) {
    NACRE_ASSIGN(const char* old_name, call.arguments.take_name());
    NACRE_ASSIGN(const char* new_name, call.arguments.take_name());
    NACRE_ASSIGN(const auto from, call.descriptor());
    NACRE_ASSIGN(const auto to, call.file_system.descriptor_of(target_directory));
    call.file_system.inodes().hold_before_unlink(from->get(), old_name);
    call.file_system.inodes().hold_before_unlink(to->get(), new_name);
    return check(renameat2(from->get(), old_name, to->get(), new_name, flags));
}

}  // namespace

Outcome<> link(Call& call) {
    NACRE_ASSIGN(const auto in, call.arguments.take<fuse_link_in>());
    NACRE_ASSIGN(const char* name, call.arguments.take_name());
    NACRE_ASSIGN(const auto file, call.file_system.descriptor_of(in.oldnodeid));
    NACRE_ASSIGN(const auto parent, call.inode());
    NACRE_ASSIGN(const auto directory, call.file_system.inodes().descriptor_of(parent));
    const DescriptorName source(file->get());
    NACRE_TRY(check(linkat(call.file_system.descriptor_directory(), source.c_str(), directory->get(), name,
                           AT_SYMLINK_FOLLOW)));
    NACRE_ASSIGN(const auto entry, call.file_system.look_up(*parent, directory->get(), name));
    return call.reply.append(entry);
}

Outcome<> unlink(Call& call) {
    return remove_name(call, 0);
}

Outcome<> rmdir(Call& call) {
    return remove_name(call, AT_REMOVEDIR);
}

Outcome<> rename(Call& call) {
    NACRE_ASSIGN(const auto in, call.arguments.take<fuse_rename_in>());
    return move_name(call, in.newdir, 0);
}

/// RENAME_WHITEOUT leaves a device node, made as the request's user.
Outcome<> rename2(Call& call) {
    NACRE_ASSIGN(const auto in, call.arguments.take<fuse_rename2_in>());
    if ((in.flags & ~std::uint32_t{RENAME_NOREPLACE | RENAME_EXCHANGE | RENAME_WHITEOUT}) != 0)
        return refuse(EINVAL);
    return move_name(call, in.newdir, in.flags);
}

Outcome<> readlink(Call& call) {
    NACRE_ASSIGN(const auto descriptor, call.descriptor());
    char target[PATH_MAX];
    const ssize_t length = readlinkat(descriptor->get(), "", target, sizeof target);
    if (length < 0)
        return refuse(errno == ENOENT ? EINVAL : errno);  // how Linux says "not a link" for an empty path
    return call.reply.append_bytes(std::as_bytes(std::span(target, static_cast<std::size_t>(length))));
}

}  // namespace nacre::fuse::operations
