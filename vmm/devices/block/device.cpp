#include "vmm/devices/block/device.h"

#include <linux/virtio_blk.h>
#include <linux/virtio_ids.h>

#include <algorithm>
#include <bit>
#include <limits>

namespace nacre::block {

namespace {

constexpr std::uint32_t sector_bytes = 512;

constexpr std::uint64_t bit(unsigned number) {
    return std::uint64_t{1} << number;
}

std::uint16_t blocks_in(std::uint32_t bytes, std::uint32_t block) {
    return static_cast<std::uint16_t>(
        std::min<std::uint32_t>(bytes / block, std::numeric_limits<std::uint16_t>::max()));
}

void describe_topology(virtio_blk_config& config, const Geometry& geometry) {
    config.blk_size = geometry.logical_block;
    config.physical_block_exp =
        static_cast<std::uint8_t>(std::countr_zero(geometry.physical_block / geometry.logical_block));
    config.min_io_size = blocks_in(geometry.minimum_io, geometry.logical_block);
    config.opt_io_size = geometry.optimal_io / geometry.logical_block;
}

void describe_discard(virtio_blk_config& config, const Geometry& geometry) {
    config.max_discard_sectors = max_discard_sectors;
    config.max_discard_seg = 1;
    config.discard_sector_alignment = geometry.discard_granularity / sector_bytes;
    config.max_write_zeroes_sectors = max_write_zeroes_sectors;
    config.max_write_zeroes_seg = 1;
    config.write_zeroes_may_unmap = 1;
}

}  // namespace

Result<std::unique_ptr<Device>> Device::create(Disk disk, const Options& options, Log& log) {
    if (options.queues == 0 || options.queues > max_queues)
        return fail("virtio-blk: 1 to {} queues", max_queues);
    std::unique_ptr<Device> device(new Device(std::move(disk), options.limit));
    auto worker_options = options.worker;
    worker_options.limiter = options.limit.any() ? &device->limiter_ : nullptr;
    for (unsigned index = 0; index < options.queues; ++index) {
        NACRE_ASSIGN(auto worker, QueueWorker::create(device->disk_, worker_options, log));
        device->workers_.push_back(std::move(worker));
    }
    return device;
}

std::uint32_t Device::type() const {
    return VIRTIO_ID_BLOCK;
}

std::uint64_t Device::features() const {
    const auto always = bit(VIRTIO_BLK_F_SIZE_MAX) | bit(VIRTIO_BLK_F_SEG_MAX) | bit(VIRTIO_BLK_F_BLK_SIZE) |
                        bit(VIRTIO_BLK_F_FLUSH) | bit(VIRTIO_BLK_F_TOPOLOGY);
    const auto access =
        disk_.read_only() ? bit(VIRTIO_BLK_F_RO) : bit(VIRTIO_BLK_F_DISCARD) | bit(VIRTIO_BLK_F_WRITE_ZEROES);
    return always | access | (workers_.size() > 1 ? bit(VIRTIO_BLK_F_MQ) : 0);
}

std::vector<std::uint16_t> Device::queue_sizes() const {
    return std::vector<std::uint16_t>(workers_.size(), QueueWorker::queue_size);
}

void Device::read_config(std::uint64_t offset, std::span<std::byte> data) const {
    virtio_blk_config config{};
    config.capacity = disk_.geometry().size / sector_bytes;
    config.size_max = max_segment_bytes;
    config.seg_max = max_segments;
    config.num_queues = static_cast<std::uint16_t>(workers_.size());
    describe_topology(config, disk_.geometry());
    if (!disk_.read_only())
        describe_discard(config, disk_.geometry());
    const auto bytes = std::as_bytes(std::span(&config, 1));
    std::ranges::fill(data, std::byte{0});
    if (offset < bytes.size())
        std::ranges::copy(bytes.subspan(offset, std::min(data.size(), bytes.size() - offset)), data.begin());
}

Result<void> Device::activate(virtio::Activation activation) {
    const bool write_through = (activation.features & bit(VIRTIO_BLK_F_FLUSH)) == 0;
    for (std::size_t index = 0; index < workers_.size(); ++index) {
        if (auto& queue = activation.queues[index])
            NACRE_TRY(workers_[index]->start(std::move(*queue), *activation.interrupt, write_through));
    }
    return {};
}

void Device::deactivate() {
    for (const auto& worker : workers_)
        worker->stop();
}

}  // namespace nacre::block
