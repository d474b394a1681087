#include "vmm/devices/block/operation.h"

#include <fcntl.h>
#include <linux/falloc.h>
#include <linux/fs.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdlib>
#include <memory>
#include <span>

#include "vmm/devices/virtio/queue.h"

namespace nacre::block {

namespace {

int result_of(ssize_t value) {
    return value < 0 ? -errno : static_cast<int>(value);
}

/// What is moved at a time through a buffer of ours: little, so that a guest cannot make us grow.
constexpr std::size_t bounce_bytes = 64 * 1024;
constexpr std::size_t bounce_alignment = 64 * 1024;  // no disk has larger blocks

struct Free {
    void operator()(std::byte* memory) const { std::free(memory); }
};

int transfer(const Disk& disk, const Operation& operation, std::span<const iovec> buffers) {
    const auto count = static_cast<int>(buffers.size());
    const auto offset = static_cast<off_t>(operation.offset);
    return result_of(operation.kind == Operation::Kind::read
                         ? ::preadv2(disk.fd(), buffers.data(), count, offset, 0)
                         : ::pwritev2(disk.fd(), buffers.data(), count, offset, transfer_flags(operation)));
}

/// The first part of a read or write, through an aligned buffer.
int transfer_aligned(const Disk& disk, const Operation& operation) {
    const std::unique_ptr<std::byte, Free> memory(
        static_cast<std::byte*>(std::aligned_alloc(bounce_alignment, bounce_bytes)));
    if (memory == nullptr)
        return -ENOMEM;
    const std::span piece(memory.get(), std::min<std::uint64_t>(operation.length, bounce_bytes));
    const iovec buffer{piece.data(), piece.size()};
    if (operation.kind == Operation::Kind::write)
        virtio::copy_from_iovecs(operation.buffers, 0, piece);
    const int result = transfer(disk, operation, std::span(&buffer, 1));
    if (operation.kind == Operation::Kind::read && result > 0)
        virtio::copy_to_iovecs(operation.buffers, 0, piece.first(static_cast<std::size_t>(result)));
    return result;
}

int discard_on_device(int fd, const Operation& operation) {
    std::array<std::uint64_t, 2> range{operation.offset, operation.length};
    return result_of(::ioctl(fd, BLKDISCARD, range.data()));
}

int allocate(int fd, const Operation& operation) {
    return result_of(::fallocate(fd, fallocate_mode(operation), static_cast<off_t>(operation.offset),
                                 static_cast<off_t>(operation.length)));
}

}  // namespace

int fallocate_mode(const Operation& operation) {
    const bool punch = operation.kind == Operation::Kind::discard || operation.unmap;
    return FALLOC_FL_KEEP_SIZE | (punch ? FALLOC_FL_PUNCH_HOLE : FALLOC_FL_ZERO_RANGE);
}

int transfer_flags(const Operation& operation) {
    return operation.write_through ? RWF_DSYNC : 0;
}

bool is_aligned_for(const Disk& disk, const Operation& operation) {
    const std::uintptr_t mask = disk.geometry().logical_block - 1;
    return !disk.bypasses_page_cache() || std::ranges::none_of(operation.buffers, [&](const iovec& buffer) {
        return ((reinterpret_cast<std::uintptr_t>(buffer.iov_base) | buffer.iov_len) & mask) != 0;
    });
}

int perform(const Disk& disk, const Operation& operation) {
    switch (operation.kind) {
        case Operation::Kind::read:
        case Operation::Kind::write:
            return is_aligned_for(disk, operation) ? transfer(disk, operation, operation.buffers)
                                                   : transfer_aligned(disk, operation);
        case Operation::Kind::flush:
            return result_of(::fdatasync(disk.fd()));
        case Operation::Kind::discard:
            return disk.is_block_device() ? discard_on_device(disk.fd(), operation)
                                          : allocate(disk.fd(), operation);
        case Operation::Kind::write_zeroes:
            return allocate(disk.fd(), operation);
    }
    return -EINVAL;
}

void advance(Operation& operation, std::uint64_t done) {
    operation.offset += done;
    operation.length -= done;
    remove_front(operation.buffers, done);
}

void remove_front(std::vector<iovec>& buffers, std::uint64_t bytes) {
    auto first = buffers.begin();
    for (; first != buffers.end() && first->iov_len <= bytes; ++first)
        bytes -= first->iov_len;
    buffers.erase(buffers.begin(), first);
    if (bytes == 0 || buffers.empty())
        return;
    buffers.front().iov_base = static_cast<std::byte*>(buffers.front().iov_base) + bytes;
    buffers.front().iov_len -= bytes;
}

void remove_back(std::vector<iovec>& buffers, std::uint64_t bytes) {
    while (!buffers.empty() && buffers.back().iov_len <= bytes) {
        bytes -= buffers.back().iov_len;
        buffers.pop_back();
    }
    if (!buffers.empty())
        buffers.back().iov_len -= bytes;
}

}  // namespace nacre::block
