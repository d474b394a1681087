#include "vmm/devices/block/uring_engine.h"

#include <sched.h>

#include <cstdlib>

namespace nacre::block {

namespace {

void prepare(io_uring_sqe* entry, int file, const Operation& operation) {
    const auto count = static_cast<unsigned>(operation.buffers.size());
    switch (operation.kind) {
        case Operation::Kind::read:
            return io_uring_prep_readv(entry, file, operation.buffers.data(), count, operation.offset);
        case Operation::Kind::write:
            return io_uring_prep_writev2(entry, file, operation.buffers.data(), count, operation.offset,
                                         transfer_flags(operation));
        case Operation::Kind::flush:
            return io_uring_prep_fsync(entry, file, IORING_FSYNC_DATASYNC);
        case Operation::Kind::discard:
        case Operation::Kind::write_zeroes:
            return io_uring_prep_fallocate(entry, file, fallocate_mode(operation),
                                           static_cast<off_t>(operation.offset),
                                           static_cast<off_t>(operation.length));
    }
}

}  // namespace

Result<std::unique_ptr<UringEngine>> UringEngine::create(const Disk& disk, RingPool& rings) {
    NACRE_ASSIGN(auto ring, rings.take());
    return std::unique_ptr<UringEngine>(new UringEngine(disk, rings, std::move(ring)));
}

void UringEngine::start(const Operation& operation, std::size_t tag) {
    if ((operation.kind == Operation::Kind::discard && disk_.is_block_device()) ||
        !is_aligned_for(disk_, operation))
        return blocking_.start(operation, tag);
    // There is room: as many entries as operations at a time, and submit() empties the ring.
    io_uring_sqe* entry = io_uring_get_sqe(ring_.get());
    prepare(entry, disk_.fd(), operation);
    entry->user_data = tag;
}

void UringEngine::submit() {
    while (io_uring_sq_ready(ring_.get()) != 0) {
        const int taken = io_uring_submit(ring_.get());
        if (taken >= 0 || taken == -EINTR)
            continue;
        // The kernel is out of memory for the moment. Anything else is a mistake of ours, and the operations
        // that the ring holds could neither be finished nor taken back.
        if (taken != -EAGAIN && taken != -EBUSY && taken != -ENOMEM)
            std::abort();
        ::sched_yield();
    }
}

void UringEngine::collect(std::vector<Completion>& completions) {
    blocking_.collect(completions);
    io_uring_cqe* entry = nullptr;
    while (io_uring_peek_cqe(ring_.get(), &entry) == 0) {
        completions.push_back({static_cast<std::size_t>(entry->user_data), entry->res});
        io_uring_cqe_seen(ring_.get(), entry);
    }
}

}  // namespace nacre::block
