#pragma once

#include "vmm/devices/block/engine.h"

namespace nacre::block {

/// Does each operation when it is started, on the calling thread.
class BlockingEngine final : public Engine {
  public:
    /// `disk` outlives the engine.
    explicit BlockingEngine(const Disk& disk) : disk_(disk) {}

    void start(const Operation& operation, std::size_t tag) override;
    void submit() override {}
    void collect(std::vector<Completion>& completions) override;
    int completion_fd() const override { return -1; }

  private:
    const Disk& disk_;
    std::vector<Completion> done_;
};

}  // namespace nacre::block
