#include "vmm/devices/block/uring_engine.h"

#include <sched.h>

#include <array>
#include <cstdlib>

namespace nacre::block {

namespace {

/// Threads that the kernel may start for what would block it (fsync, fallocate, buffered writes).
constexpr unsigned max_kernel_threads = 8;

/// The disk's file in the ring's table.
constexpr int disk_file = 0;

constexpr std::array opcodes{IORING_OP_READV, IORING_OP_WRITEV, IORING_OP_FSYNC, IORING_OP_FALLOCATE};

io_uring_restriction allow(unsigned opcode) {
    io_uring_restriction restriction{};
    restriction.opcode = IORING_RESTRICTION_SQE_OP;
    restriction.sqe_op = static_cast<std::uint8_t>(opcode);
    return restriction;
}

io_uring_restriction require_registered_file() {
    io_uring_restriction restriction{};
    restriction.opcode = IORING_RESTRICTION_SQE_FLAGS_REQUIRED;
    restriction.sqe_flags = IOSQE_FIXED_FILE;
    return restriction;
}

void prepare(io_uring_sqe* entry, const Operation& operation) {
    const auto count = static_cast<unsigned>(operation.buffers.size());
    switch (operation.kind) {
        case Operation::Kind::read:
            return io_uring_prep_readv(entry, disk_file, operation.buffers.data(), count, operation.offset);
        case Operation::Kind::write:
            return io_uring_prep_writev2(entry, disk_file, operation.buffers.data(), count, operation.offset,
                                         transfer_flags(operation));
        case Operation::Kind::flush:
            return io_uring_prep_fsync(entry, disk_file, IORING_FSYNC_DATASYNC);
        case Operation::Kind::discard:
        case Operation::Kind::write_zeroes:
            return io_uring_prep_fallocate(entry, disk_file, fallocate_mode(operation),
                                           static_cast<off_t>(operation.offset),
                                           static_cast<off_t>(operation.length));
    }
}

}  // namespace

Result<void> restrict_ring(io_uring& ring, int file) {
    std::array<io_uring_restriction, opcodes.size() + 1> restrictions{};
    for (std::size_t i = 0; i < opcodes.size(); ++i)
        restrictions[i] = allow(opcodes[i]);
    restrictions.back() = require_registered_file();
    if (const int code = io_uring_register_files(&ring, &file, 1); code < 0)
        return fail_with(-code, "io_uring: register the disk");
    if (const int code = io_uring_register_restrictions(&ring, restrictions.data(), restrictions.size());
        code < 0)
        return fail_with(-code, "io_uring: restrict the ring");
    if (const int code = io_uring_enable_rings(&ring); code < 0)
        return fail_with(-code, "io_uring: enable the ring");
    return {};
}

Result<std::unique_ptr<UringEngine>> UringEngine::create(const Disk& disk, unsigned depth) {
    std::unique_ptr<UringEngine> engine(new UringEngine(disk));
    NACRE_TRY(engine->set_up(depth));
    return engine;
}

UringEngine::~UringEngine() {
    if (made_)
        io_uring_queue_exit(&ring_);
}

Result<void> UringEngine::set_up(unsigned depth) {
    // Twice as many completions fit (the kernel's default), so that none can be lost.
    if (const int code = io_uring_queue_init(depth, &ring_, IORING_SETUP_R_DISABLED); code < 0)
        return fail_with(-code, "no io_uring");
    made_ = true;
    // A kernel before 5.15 has no such limit.
    std::array<unsigned, 2> threads{max_kernel_threads, max_kernel_threads};
    io_uring_register_iowq_max_workers(&ring_, threads.data());
    return restrict_ring(ring_, disk_.fd());
}

void UringEngine::start(const Operation& operation, std::size_t tag) {
    if ((operation.kind == Operation::Kind::discard && disk_.is_block_device()) ||
        !is_aligned_for(disk_, operation))
        return blocking_.start(operation, tag);
    // There is room: as many entries as operations at a time, and submit() empties the ring.
    io_uring_sqe* entry = io_uring_get_sqe(&ring_);
    prepare(entry, operation);
    entry->flags |= IOSQE_FIXED_FILE;
    entry->user_data = tag;
}

void UringEngine::submit() {
    while (io_uring_sq_ready(&ring_) != 0) {
        const int taken = io_uring_submit(&ring_);
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
    while (io_uring_peek_cqe(&ring_, &entry) == 0) {
        completions.push_back({static_cast<std::size_t>(entry->user_data), entry->res});
        io_uring_cqe_seen(&ring_, entry);
    }
}

}  // namespace nacre::block
