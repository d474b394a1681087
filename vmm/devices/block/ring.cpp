#include "vmm/devices/block/ring.h"

#include <array>

namespace nacre::block {

namespace {

/// Threads that the kernel may start for what would block it (fsync, fallocate, buffered writes).
constexpr unsigned max_kernel_threads = 8;

constexpr std::array opcodes{IORING_OP_READV, IORING_OP_WRITEV, IORING_OP_FSYNC, IORING_OP_FALLOCATE};

io_uring_restriction allow(unsigned opcode) {
    io_uring_restriction restriction{};
    restriction.opcode = IORING_RESTRICTION_SQE_OP;
    restriction.sqe_op = static_cast<std::uint8_t>(opcode);
    return restriction;
}

}  // namespace

void Ring::Exit::operator()(io_uring* ring) const {
    io_uring_queue_exit(ring);
    delete ring;
}

Result<Ring> Ring::create(unsigned depth) {
    auto made = std::make_unique<io_uring>();
    // Twice as many completions fit (the kernel's default), so that none can be lost.
    if (const int code = io_uring_queue_init(depth, made.get(), IORING_SETUP_R_DISABLED); code < 0)
        return fail_with(-code, "no io_uring");
    Ring ring;
    ring.ring_.reset(made.release());
    // A kernel before 5.15 has no such limit.
    std::array<unsigned, 2> threads{max_kernel_threads, max_kernel_threads};
    io_uring_register_iowq_max_workers(ring.get(), threads.data());
    NACRE_TRY(ring.restrict_operations());
    return ring;
}

Result<void> Ring::restrict_operations() const {
    std::array<io_uring_restriction, opcodes.size()> restrictions{};
    for (std::size_t i = 0; i < opcodes.size(); ++i)
        restrictions[i] = allow(opcodes[i]);
    if (const int code = io_uring_register_restrictions(get(), restrictions.data(), restrictions.size());
        code < 0)
        return fail_with(-code, "io_uring: restrict the ring");
    if (const int code = io_uring_enable_rings(get()); code < 0)
        return fail_with(-code, "io_uring: enable the ring");
    return {};
}

}  // namespace nacre::block
