#pragma once

#include <sys/uio.h>

#include <cstdint>
#include <vector>

#include "vmm/devices/block/disk.h"

namespace nacre::block {

/// One piece of work on a disk. Offset and length are bytes within it, already checked.
struct Operation {
    enum class Kind { read, write, flush, discard, write_zeroes };

    Kind kind = Kind::flush;
    std::uint64_t offset = 0;
    std::uint64_t length = 0;
    std::vector<iovec> buffers;  // read, write: `length` bytes of guest memory
    bool unmap = false;          // write_zeroes: may give the space back
    bool write_through = false;  // write: done only when it is on stable storage
};

/// The flags with which fallocate(2) does a write_zeroes, or the discard of an image's range.
int fallocate_mode(const Operation& operation);

/// The flags with which preadv2(2) or pwritev2(2) does a read or write.
int transfer_flags(const Operation& operation);

/// Whether the host can move the bytes of a read or write to or from the guest's buffers themselves. Past the
/// page cache only to and from aligned ones, and a driver may choose any (Virtio 1.2, 5.2.6).
bool is_aligned_for(const Disk& disk, const Operation& operation);

/// Does it on the calling thread. Bytes transferred (a read or write may come out short, and does if it is
/// not aligned), 0 for the others, or a negative errno.
int perform(const Disk& disk, const Operation& operation);

/// What is left of a read or write of which `done` bytes, fewer than its length, are through.
void advance(Operation& operation, std::uint64_t done);

/// Takes bytes off the front, resp. the back of a list of buffers that has as many.
void remove_front(std::vector<iovec>& buffers, std::uint64_t bytes);
void remove_back(std::vector<iovec>& buffers, std::uint64_t bytes);

}  // namespace nacre::block
