#pragma once

#include <cstdint>
#include <string>

#include "vmm/base/file_descriptor.h"

namespace nacre::block {

/// Sizes of a disk in bytes.
struct Geometry {
    std::uint64_t size = 0;                    // a multiple of 512 and of logical_block
    std::uint32_t logical_block = 512;         // what an access must be aligned to
    std::uint32_t physical_block = 4096;       // what is written at once below; a multiple of logical_block
    std::uint32_t minimum_io = 4096;           // smaller accesses cost more
    std::uint32_t optimal_io = 0;              // 0: nothing is known
    std::uint32_t discard_granularity = 4096;  // smaller pieces are not given back
};

/// Where the bytes of a virtual disk are: an image file or a block device of the host. Plain data beside the
/// descriptor, safe from any thread.
class Disk {
  public:
    /// `fd` must be a regular file or a block device of 512 bytes at least; open for reading alone if
    /// `read_only` (so that the host's kernel refuses writes, whatever happens in this process), for both
    /// otherwise. What exceeds a whole block at the end of an image is not part of the disk. `id` is cut to
    /// 20 bytes (Virtio 1.2, 5.2.6).
    ///
    /// A writable disk bypasses the host's page cache where its file system lets any 512 bytes be written
    /// directly; README.md of this folder says why.
    static Result<Disk> open(FileDescriptor fd, bool read_only, const std::string& id);

    int fd() const { return fd_.get(); }
    bool read_only() const { return read_only_; }
    bool is_block_device() const { return is_block_device_; }
    bool bypasses_page_cache() const { return direct_; }
    const std::string& id() const { return id_; }
    const Geometry& geometry() const { return geometry_; }

  private:
    Disk() = default;

    FileDescriptor fd_;
    bool read_only_ = false;
    bool is_block_device_ = false;
    bool direct_ = false;
    std::string id_;
    Geometry geometry_;
};

}  // namespace nacre::block
