#pragma once

#include <liburing.h>

#include "vmm/devices/block/blocking_engine.h"

namespace nacre::block {

/// Makes a ring that was set up with IORING_SETUP_R_DISABLED work on `file` and no other, and do nothing to
/// it but read, write, sync and fallocate: seccomp does not see what goes through a ring. Enables it.
Result<void> restrict_ring(io_uring& ring, int file);

/// Does operations through io_uring(7), many at a time, with a ring restricted to the disk.
class UringEngine final : public Engine {
  public:
    /// `disk` outlives the engine. Fails where the host's kernel has no io_uring for us.
    static Result<std::unique_ptr<UringEngine>> create(const Disk& disk, unsigned depth);
    UringEngine(const UringEngine&) = delete;
    UringEngine& operator=(const UringEngine&) = delete;
    ~UringEngine() override;

    void start(const Operation& operation, std::size_t tag) override;
    void submit() override;
    void collect(std::vector<Completion>& completions) override;
    int completion_fd() const override { return ring_.ring_fd; }

  private:
    explicit UringEngine(const Disk& disk) : disk_(disk), blocking_(disk) {}
    Result<void> set_up(unsigned depth);

    const Disk& disk_;
    BlockingEngine blocking_;  // for what a ring cannot do: to discard on a block device, and to move bytes
                               // through a buffer of ours
    io_uring ring_{};
    bool made_ = false;
};

}  // namespace nacre::block
