#pragma once

#include <cstdint>
#include <tl/expected.hpp>

#include "vmm/devices/block/operation.h"
#include "vmm/devices/virtio/queue.h"

namespace nacre::block {

/// Bounds that the configuration space tells the driver of, and that every request is held to.
constexpr std::uint32_t max_segment_bytes = 64 * 1024;
constexpr std::uint32_t max_segments = 126;  // with header and status as many as the queue has descriptors
constexpr std::uint64_t max_transfer_bytes = std::uint64_t{max_segments} * max_segment_bytes;
constexpr std::uint32_t max_discard_sectors = 2 * 1024 * 1024;  // 1 GiB
constexpr std::uint32_t max_write_zeroes_sectors = 128 * 1024;  // 64 MiB: it may really be written

/// What a status byte says (Virtio 1.2, 5.2.6: VIRTIO_BLK_S_…).
using Status = std::uint8_t;

/// Reads the driver's request from a chain that has a writable byte for the status; header and ranges are
/// copied out of the guest once. The work to be done, or the status to answer with at once: an error, or OK
/// to VIRTIO_BLK_T_GET_ID, which is answered here.
tl::expected<Operation, Status> read_request(const virtio::DescriptorChain& chain, const Disk& disk);

/// The status of an operation that ended with `result` (as of perform()).
Status status_of(const Operation& operation, int result);

}  // namespace nacre::block
