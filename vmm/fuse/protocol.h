#pragma once

#include <linux/fuse.h>

#include <cstdint>

/// The FUSE wire format: <linux/fuse.h>, and what Linux 6.12 (protocol 7.41) has beyond older copies of it.
#if FUSE_KERNEL_MINOR_VERSION < 39
#define FUSE_STATX 52
#define FUSE_DIRECT_IO_ALLOW_MMAP (1ULL << 36)

struct fuse_sx_time {
    int64_t tv_sec;
    uint32_t tv_nsec;
    int32_t reserved;
};

struct fuse_statx {
    uint32_t mask;
    uint32_t blksize;
    uint64_t attributes;
    uint32_t nlink;
    uint32_t uid;
    uint32_t gid;
    uint16_t mode;
    uint16_t spare0[1];
    uint64_t ino;
    uint64_t size;
    uint64_t blocks;
    uint64_t attributes_mask;
    struct fuse_sx_time atime;
    struct fuse_sx_time btime;
    struct fuse_sx_time ctime;
    struct fuse_sx_time mtime;
    uint32_t rdev_major;
    uint32_t rdev_minor;
    uint32_t dev_major;
    uint32_t dev_minor;
    uint64_t spare2[14];
};

struct fuse_statx_in {
    uint32_t getattr_flags;
    uint32_t reserved;
    uint64_t fh;
    uint32_t sx_flags;
    uint32_t sx_mask;
};

struct fuse_statx_out {
    uint64_t attr_valid;
    uint32_t attr_valid_nsec;
    uint32_t flags;
    uint64_t spare[2];
    struct fuse_statx stat;
};
#endif

#if FUSE_KERNEL_MINOR_VERSION < 41
#define FUSE_ALLOW_IDMAP (1ULL << 40)
#endif

namespace nacre::fuse {

/// The protocol version this server speaks; the smaller minor of both sides counts.
inline constexpr std::uint32_t protocol_major = 7;
inline constexpr std::uint32_t protocol_minor = 41;

/// Older kernels lack structures and flags that this server relies on (INIT_EXT, SETXATTR_EXT, 7.36).
inline constexpr std::uint32_t oldest_minor = 36;

/// "No user": what the kernel sends where a request creates nothing and idmapped mounts are allowed (7.41).
inline constexpr std::uint32_t no_id = 0xffffffff;

/// The largest READ and WRITE payload, in bytes, and the same in pages for FUSE_MAX_PAGES.
inline constexpr std::uint32_t max_payload = 1U << 20;
inline constexpr std::uint16_t max_payload_pages = max_payload / 4096;

}  // namespace nacre::fuse
