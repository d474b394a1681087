#include "vmm/devices/block/request.h"

#include <linux/virtio_blk.h>

#include <array>
#include <cerrno>
#include <cstring>

namespace nacre::block {

namespace {

using virtio::DescriptorChain;
using Reply = tl::expected<Operation, Status>;

constexpr std::uint64_t sector_bytes = 512;
constexpr std::size_t status_bytes = 1;

tl::unexpected<Status> refuse(Status status) {
    return tl::unexpected(status);
}

/// Copies an object that the driver wrote, once.
template <class T>
T copy_object(const DescriptorChain& chain, std::size_t offset) {
    T object{};
    virtio::copy_from_iovecs(chain.readable, offset, std::as_writable_bytes(std::span(&object, 1)));
    return object;
}

bool is_within(const Disk& disk, std::uint64_t sector, std::uint64_t sectors) {
    const auto capacity = disk.geometry().size / sector_bytes;
    return sectors <= capacity && sector <= capacity - sectors;
}

Reply read_transfer(Operation::Kind kind, std::uint64_t sector, std::uint64_t length,
                    std::vector<iovec> buffers, const Disk& disk) {
    if (length == 0 || length % sector_bytes != 0 || length > max_transfer_bytes ||
        !is_within(disk, sector, length / sector_bytes))
        return refuse(VIRTIO_BLK_S_IOERR);
    Operation operation;
    operation.kind = kind;
    operation.offset = sector * sector_bytes;
    operation.length = length;
    operation.buffers = std::move(buffers);
    return operation;
}

Reply read_in(const DescriptorChain& chain, std::uint64_t sector, const Disk& disk) {
    if (chain.readable_bytes != sizeof(virtio_blk_outhdr))
        return refuse(VIRTIO_BLK_S_IOERR);
    auto buffers = chain.writable;
    remove_back(buffers, status_bytes);
    return read_transfer(Operation::Kind::read, sector, chain.writable_bytes - status_bytes,
                         std::move(buffers), disk);
}

Reply read_out(const DescriptorChain& chain, std::uint64_t sector, const Disk& disk) {
    if (disk.read_only() || chain.writable_bytes != status_bytes)
        return refuse(VIRTIO_BLK_S_IOERR);
    auto buffers = chain.readable;
    remove_front(buffers, sizeof(virtio_blk_outhdr));
    return read_transfer(Operation::Kind::write, sector, chain.readable_bytes - sizeof(virtio_blk_outhdr),
                         std::move(buffers), disk);
}

/// A discard or write-zeroes: one range, as max_discard_seg and max_write_zeroes_seg say.
Reply read_range(const DescriptorChain& chain, Operation::Kind kind, const Disk& disk) {
    if (disk.read_only() ||
        chain.readable_bytes != sizeof(virtio_blk_outhdr) + sizeof(virtio_blk_discard_write_zeroes) ||
        chain.writable_bytes != status_bytes)
        return refuse(VIRTIO_BLK_S_IOERR);
    const auto range = copy_object<virtio_blk_discard_write_zeroes>(chain, sizeof(virtio_blk_outhdr));
    const bool discard = kind == Operation::Kind::discard;
    // Virtio 1.2, 5.2.6.2: unknown flags, and unmap with a discard, are "unsupported".
    if ((range.flags & ~(discard ? 0U : VIRTIO_BLK_WRITE_ZEROES_FLAG_UNMAP)) != 0)
        return refuse(VIRTIO_BLK_S_UNSUPP);
    if (range.num_sectors == 0 ||
        range.num_sectors > (discard ? max_discard_sectors : max_write_zeroes_sectors) ||
        !is_within(disk, range.sector, range.num_sectors))
        return refuse(VIRTIO_BLK_S_IOERR);
    Operation operation;
    operation.kind = kind;
    operation.offset = range.sector * sector_bytes;
    operation.length = range.num_sectors * sector_bytes;
    operation.unmap = range.flags != 0;
    return operation;
}

Reply answer_id(const DescriptorChain& chain, const Disk& disk) {
    std::array<char, VIRTIO_BLK_ID_BYTES> id{};
    disk.id().copy(id.data(), id.size());
    auto buffers = chain.writable;
    remove_back(buffers, status_bytes);
    virtio::copy_to_iovecs(buffers, 0, std::as_bytes(std::span(id)));
    return refuse(VIRTIO_BLK_S_OK);
}

}  // namespace

Reply read_request(const DescriptorChain& chain, const Disk& disk) {
    if (chain.readable_bytes < sizeof(virtio_blk_outhdr))
        return refuse(VIRTIO_BLK_S_IOERR);
    const auto header = copy_object<virtio_blk_outhdr>(chain, 0);
    switch (header.type) {
        case VIRTIO_BLK_T_IN:
            return read_in(chain, header.sector, disk);
        case VIRTIO_BLK_T_OUT:
            return read_out(chain, header.sector, disk);
        case VIRTIO_BLK_T_FLUSH:
            return Operation{};
        case VIRTIO_BLK_T_DISCARD:
            return read_range(chain, Operation::Kind::discard, disk);
        case VIRTIO_BLK_T_WRITE_ZEROES:
            return read_range(chain, Operation::Kind::write_zeroes, disk);
        case VIRTIO_BLK_T_GET_ID:
            return answer_id(chain, disk);
        default:
            return refuse(VIRTIO_BLK_S_UNSUPP);
    }
}

Status status_of(const Operation& operation, int result) {
    if (result >= 0)
        return VIRTIO_BLK_S_OK;
    // The driver then goes without discards, and writes zeroes itself.
    const bool may_be_unsupported =
        operation.kind == Operation::Kind::discard || operation.kind == Operation::Kind::write_zeroes;
    return may_be_unsupported && result == -EOPNOTSUPP ? VIRTIO_BLK_S_UNSUPP : VIRTIO_BLK_S_IOERR;
}

}  // namespace nacre::block
