#pragma once

#include "vmm/devices/block/blocking_engine.h"
#include "vmm/devices/block/ring_pool.h"

namespace nacre::block {

/// Does operations through io_uring(7), many at a time.
class UringEngine final : public Engine {
  public:
    /// With a ring of `rings`, which it gives back at its end. `disk` and `rings` outlive the engine.
    static Result<std::unique_ptr<UringEngine>> create(const Disk& disk, RingPool& rings);
    UringEngine(const UringEngine&) = delete;
    UringEngine& operator=(const UringEngine&) = delete;
    ~UringEngine() override { rings_.give_back(std::move(ring_)); }

    void start(const Operation& operation, std::size_t tag) override;
    void submit() override;
    void collect(std::vector<Completion>& completions) override;
    int completion_fd() const override { return ring_.get()->ring_fd; }

  private:
    UringEngine(const Disk& disk, RingPool& rings, Ring ring)
        : disk_(disk), blocking_(disk), rings_(rings), ring_(std::move(ring)) {}

    const Disk& disk_;
    BlockingEngine blocking_;  // for what a ring cannot do: to discard on a block device, and to move bytes
                               // through a buffer of ours
    RingPool& rings_;
    Ring ring_;
};

}  // namespace nacre::block
