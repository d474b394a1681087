#include "vmm/fuse/attributes.h"

namespace nacre::fuse {

namespace {

/// A device number as Linux packs it into 32 bits (new_encode_dev, include/linux/kdev_t.h).
std::uint32_t encode_device(std::uint32_t major, std::uint32_t minor) {
    return (minor & 0xff) | (major << 8) | ((minor & ~0xffU) << 12);
}

fuse_sx_time time_from(const statx_timestamp& time) {
    return {time.tv_sec, time.tv_nsec, 0};
}

}  // namespace

fuse_attr attributes_from(const struct statx& status, bool submount_root) {
    fuse_attr attributes{};
    attributes.ino = status.stx_ino;
    attributes.size = status.stx_size;
    attributes.blocks = status.stx_blocks;
    attributes.atime = static_cast<std::uint64_t>(status.stx_atime.tv_sec);  // times before 1970 wrap and
    attributes.mtime = static_cast<std::uint64_t>(status.stx_mtime.tv_sec);  // unwrap again in the guest
    attributes.ctime = static_cast<std::uint64_t>(status.stx_ctime.tv_sec);
    attributes.atimensec = status.stx_atime.tv_nsec;
    attributes.mtimensec = status.stx_mtime.tv_nsec;
    attributes.ctimensec = status.stx_ctime.tv_nsec;
    attributes.mode = status.stx_mode;
    attributes.nlink = status.stx_nlink;
    attributes.uid = status.stx_uid;
    attributes.gid = status.stx_gid;
    attributes.rdev = encode_device(status.stx_rdev_major, status.stx_rdev_minor);
    attributes.blksize = status.stx_blksize;
    attributes.flags = submount_root ? FUSE_ATTR_SUBMOUNT : 0;
    return attributes;
}

fuse_statx extended_attributes_from(const struct statx& status) {
    fuse_statx attributes{};
    attributes.mask = status.stx_mask & (STATX_BASIC_STATS | STATX_BTIME);
    attributes.blksize = status.stx_blksize;
    attributes.attributes = status.stx_attributes;
    attributes.nlink = status.stx_nlink;
    attributes.uid = status.stx_uid;
    attributes.gid = status.stx_gid;
    attributes.mode = status.stx_mode;
    attributes.ino = status.stx_ino;
    attributes.size = status.stx_size;
    attributes.blocks = status.stx_blocks;
    attributes.attributes_mask = status.stx_attributes_mask;
    attributes.atime = time_from(status.stx_atime);
    attributes.btime = time_from(status.stx_btime);
    attributes.ctime = time_from(status.stx_ctime);
    attributes.mtime = time_from(status.stx_mtime);
    attributes.rdev_major = status.stx_rdev_major;
    attributes.rdev_minor = status.stx_rdev_minor;
    return attributes;
}

}  // namespace nacre::fuse
