#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "vmm/fuse/attributes.h"
#include "vmm/fuse/beneath.h"
#include "vmm/fuse/operations.h"

namespace nacre::fuse::operations {

namespace {

/// The file whose attributes a SETATTR changes.
struct Target {
    const Call& call;
    InodePtr inode;
    PathDescriptor descriptor;

    int directory() const { return call.file_system.descriptor_directory(); }
    DescriptorName name() const { return DescriptorName(descriptor->get()); }
};

Outcome<> set_mode(const Target& target, std::uint32_t mode) {
    if (S_ISLNK(target.inode->identity.type))
        return refuse(EOPNOTSUPP);
    return check(fchmodat(target.directory(), target.name().c_str(), mode & 07777, 0));
}

/// Also what removes set-id bits and file capabilities: any change of owner does, even one to the same.
Outcome<> set_owner(const Target& target, uid_t user, gid_t group) {
    return check(fchownat(target.descriptor->get(), "", user, group, AT_EMPTY_PATH | AT_SYMLINK_NOFOLLOW));
}

Outcome<> set_size(const Target& target, const fuse_setattr_in& in) {
    if (!target.inode->is_regular())
        return refuse(EINVAL);
    const auto size = static_cast<off_t>(in.size);
    target.call.credentials.clear_setid_bits((in.valid & FATTR_KILL_SUIDGID) != 0);
    if ((in.valid & FATTR_FH) != 0) {
        NACRE_ASSIGN(const auto file, target.call.file_system.files().find(in.fh));
        return check(ftruncate(file->descriptor.get(), size));
    }
    return check(truncate(target.name().c_str(), size));  // the working directory is /proc/self/fd
}

timespec chosen_time(std::uint32_t valid, std::uint32_t given, std::uint32_t now, std::uint64_t seconds,
                     std::uint32_t nanoseconds) {
    if ((valid & now) != 0)
        return {0, UTIME_NOW};
    if ((valid & given) == 0)
        return {0, UTIME_OMIT};
    return {static_cast<time_t>(seconds), static_cast<long>(nanoseconds)};
}

Outcome<> set_times(const Target& target, const fuse_setattr_in& in) {
    constexpr std::uint32_t nanoseconds_per_second = 1'000'000'000;
    if (in.atimensec >= nanoseconds_per_second || in.mtimensec >= nanoseconds_per_second)
        return refuse(EINVAL);  // or UTIME_NOW and UTIME_OMIT could be smuggled in
    const timespec times[2] = {
        chosen_time(in.valid, FATTR_ATIME, FATTR_ATIME_NOW, in.atime, in.atimensec),
        chosen_time(in.valid, FATTR_MTIME, FATTR_MTIME_NOW, in.mtime, in.mtimensec),
    };
    return check(utimensat(target.directory(), target.name().c_str(), times, 0));
}

constexpr std::uint32_t owner_bits = FATTR_UID | FATTR_GID;
constexpr std::uint32_t time_bits = FATTR_ATIME | FATTR_MTIME | FATTR_ATIME_NOW | FATTR_MTIME_NOW;
constexpr std::uint32_t change_bits = FATTR_MODE | owner_bits | FATTR_SIZE | time_bits;

/// One that changes nothing is how Linux 6.12 asks for the set-id bits to go: before fallocate(2) or
/// copy_file_range(2), and for chown(2) to the same owner (fuse_setattr() drops the ATTR_KILL_* bits).
Outcome<> apply(const Target& target, const fuse_setattr_in& in) {
    target.call.credentials.clear_setid_bits(false);
    if ((in.valid & owner_bits) != 0 || (in.valid & change_bits) == 0)
        NACRE_TRY(set_owner(target, (in.valid & FATTR_UID) != 0 ? in.uid : no_id,
                            (in.valid & FATTR_GID) != 0 ? in.gid : no_id));
    if ((in.valid & FATTR_MODE) != 0)
        NACRE_TRY(set_mode(target, in.mode));
    if ((in.valid & FATTR_SIZE) != 0)
        NACRE_TRY(set_size(target, in));
    if ((in.valid & time_bits) != 0)
        NACRE_TRY(set_times(target, in));
    return {};
}

}  // namespace

Outcome<> setattr(Call& call) {
    NACRE_ASSIGN(const auto in, call.arguments.take<fuse_setattr_in>());
    NACRE_ASSIGN(const auto inode, call.inode());
    NACRE_ASSIGN(const auto descriptor, call.file_system.inodes().descriptor_of(inode));
    NACRE_TRY(apply(Target{call, inode, descriptor}, in));
    NACRE_ASSIGN(const struct statx status, status_of(descriptor->get()));
    const Validity validity(call.file_system.options().attribute_timeout);
    fuse_attr_out out{};
    out.attr_valid = validity.seconds;
    out.attr_valid_nsec = validity.nanoseconds;
    out.attr = attributes_from(status, inode->submount_root);
    return call.reply.append(out);
}

}  // namespace nacre::fuse::operations
