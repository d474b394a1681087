#include "vmm/devices/block/engine.h"

#include "vmm/devices/block/blocking_engine.h"
#include "vmm/devices/block/uring_engine.h"

namespace nacre::block {

MakeEngine engines_on(RingPool& rings) {
    return [&rings](const Disk& disk, Log& log) -> Result<std::unique_ptr<Engine>> {
        auto uring = UringEngine::create(disk, rings);
        if (uring)
            return std::move(*uring);
        log.write(LogLevel::warning, "virtio-blk: {}; one request at a time", uring.error().message);
        return std::make_unique<BlockingEngine>(disk);
    };
}

}  // namespace nacre::block
