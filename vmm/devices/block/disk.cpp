#include "vmm/devices/block/disk.h"

#include <fcntl.h>
#include <linux/fs.h>
#include <sys/ioctl.h>
#include <sys/stat.h>

#include <algorithm>
#include <bit>

namespace nacre::block {

namespace {

constexpr std::uint64_t sector = 512;
constexpr std::size_t id_bytes = 20;

Result<void> check_access(int fd, bool read_only) {
    const int flags = ::fcntl(fd, F_GETFL);
    if (flags < 0)
        return fail_errno("virtio-blk: descriptor {}", fd);
    if ((flags & O_PATH) != 0 || (flags & O_ACCMODE) != (read_only ? O_RDONLY : O_RDWR))
        return fail("virtio-blk: descriptor {} is not open for {}", fd,
                    read_only ? "reading alone" : "reading and writing");
    if ((flags & O_APPEND) != 0)
        return fail("virtio-blk: descriptor {} is open for appending", fd);
    return {};
}

template <class T>
Result<T> ask(int fd, unsigned long request, const char* what) {
    T value{};
    if (::ioctl(fd, request, &value) < 0)
        return fail_errno("virtio-blk: {}", what);
    return value;
}

Result<Geometry> device_geometry(int fd) {
    Geometry geometry;
    NACRE_ASSIGN(geometry.size, ask<std::uint64_t>(fd, BLKGETSIZE64, "size of the device"));
    NACRE_ASSIGN(const auto logical, ask<int>(fd, BLKSSZGET, "block size of the device"));
    geometry.logical_block = static_cast<std::uint32_t>(logical);
    geometry.physical_block = ask<unsigned>(fd, BLKPBSZGET, "").value_or(geometry.logical_block);
    geometry.minimum_io = ask<unsigned>(fd, BLKIOMIN, "").value_or(geometry.physical_block);
    geometry.optimal_io = ask<unsigned>(fd, BLKIOOPT, "").value_or(0);
    geometry.discard_granularity = geometry.physical_block;
    return geometry;
}

Result<Geometry> image_geometry(const struct stat& status) {
    Geometry geometry;
    geometry.size = static_cast<std::uint64_t>(status.st_size);
    return geometry;
}

Result<void> check(Geometry& geometry) {
    const auto block = geometry.logical_block;
    if (!std::has_single_bit(block) || block < sector || block > 65536)
        return fail("virtio-blk: a block size of {} bytes", block);
    geometry.physical_block = std::max(std::bit_floor(geometry.physical_block), block);
    geometry.size -= geometry.size % block;
    if (geometry.size == 0)
        return fail("virtio-blk: the disk is empty");
    return {};
}

/// Whether any aligned 512 bytes of an image can be written directly: with larger blocks below, the guest
/// would have to be told of them, and file systems made for 512 could no longer be mounted.
bool image_can_bypass_page_cache(int fd) {
    struct statx status {};
    if (::statx(fd, "", AT_EMPTY_PATH, STATX_DIOALIGN, &status) < 0 ||
        (status.stx_mask & STATX_DIOALIGN) == 0)
        return false;
    return status.stx_dio_offset_align != 0 && status.stx_dio_offset_align <= sector &&
           status.stx_dio_mem_align <= sector;
}

bool bypass_page_cache(int fd) {
    const int flags = ::fcntl(fd, F_GETFL);
    return ::fcntl(fd, F_SETFL, flags | O_DIRECT) == 0;
}

}  // namespace

Result<Disk> Disk::open(FileDescriptor fd, bool read_only, const std::string& id) {
    NACRE_TRY(check_access(fd.get(), read_only));
    struct stat status {};
    if (::fstat(fd.get(), &status) < 0)
        return fail_errno("virtio-blk: descriptor {}", fd.get());
    if (!S_ISREG(status.st_mode) && !S_ISBLK(status.st_mode))
        return fail("virtio-blk: descriptor {} is neither a regular file nor a block device", fd.get());
    Disk disk;
    disk.read_only_ = read_only;
    disk.is_block_device_ = S_ISBLK(status.st_mode);
    disk.id_ = id.substr(0, id_bytes);
    NACRE_ASSIGN(disk.geometry_, disk.is_block_device_ ? device_geometry(fd.get()) : image_geometry(status));
    NACRE_TRY(check(disk.geometry_));
    if (!read_only && (disk.is_block_device_ || image_can_bypass_page_cache(fd.get())))
        disk.direct_ = bypass_page_cache(fd.get());
    disk.fd_ = std::move(fd);
    return disk;
}

}  // namespace nacre::block
