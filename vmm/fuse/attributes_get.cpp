#include <fcntl.h>
#include <unistd.h>

#include "vmm/fuse/attributes.h"
#include "vmm/fuse/beneath.h"
#include "vmm/fuse/operations.h"

namespace nacre::fuse::operations {

Outcome<> getattr(Call& call) {
    NACRE_TRY(
        call.arguments.take<fuse_getattr_in>());  // its handle is of the same file: node and mount decide
    NACRE_ASSIGN(const auto inode, call.inode());
    NACRE_ASSIGN(const auto descriptor, call.file_system.inodes().descriptor_of(inode));
    NACRE_ASSIGN(const struct statx status, status_of(descriptor->get()));
    const Validity validity(call.file_system.options().attribute_timeout);
    fuse_attr_out out{};
    out.attr_valid = validity.seconds;
    out.attr_valid_nsec = validity.nanoseconds;
    out.attr = attributes_from(status, inode->submount_root);
    return call.reply.append(out);
}

Outcome<> statx(Call& call) {
    NACRE_TRY(call.arguments.take<fuse_statx_in>());
    NACRE_ASSIGN(const auto descriptor, call.descriptor());
    NACRE_ASSIGN(const struct statx status, status_of(descriptor->get()));
    const Validity validity(call.file_system.options().attribute_timeout);
    fuse_statx_out out{};
    out.attr_valid = validity.seconds;
    out.attr_valid_nsec = validity.nanoseconds;
    out.stat = extended_attributes_from(status);
    return call.reply.append(out);
}

/// Linux does not ask where it checks permissions itself, as it does on virtio-fs. Anyone else learns whether
/// the mode bits allow it to the request's user; the guest's groups are not known here.
Outcome<> access(Call& call) {
    NACRE_ASSIGN(const auto in, call.arguments.take<fuse_access_in>());
    if ((in.mask & ~std::uint32_t{R_OK | W_OK | X_OK}) != 0)
        return refuse(EINVAL);
    NACRE_ASSIGN(const auto descriptor, call.descriptor());
    NACRE_ASSIGN(const struct statx status, status_of(descriptor->get()));
    const bool any_execute = (status.stx_mode & 0111) != 0 || S_ISDIR(status.stx_mode);
    if (call.header.uid == 0)
        return (in.mask & X_OK) != 0 && !any_execute ? Outcome<>(refuse(EACCES)) : Outcome<>();
    const unsigned shift = status.stx_uid == call.header.uid ? 6 : status.stx_gid == call.header.gid ? 3 : 0;
    const std::uint32_t allowed = (std::uint32_t{status.stx_mode} >> shift) & 7;
    return (in.mask & ~allowed) != 0 ? Outcome<>(refuse(EACCES)) : Outcome<>();
}

}  // namespace nacre::fuse::operations
