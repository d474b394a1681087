#include "vmm/devices/block/engine.h"

#include "vmm/devices/block/blocking_engine.h"
#include "vmm/devices/block/uring_engine.h"

namespace nacre::block {

Result<std::unique_ptr<Engine>> make_engine(const Disk& disk, unsigned depth, Log& log) {
    auto uring = UringEngine::create(disk, depth);
    if (uring)
        return std::move(*uring);
    log.write(LogLevel::warning, "virtio-blk: {}; one request at a time", uring.error().message);
    return std::make_unique<BlockingEngine>(disk);
}

}  // namespace nacre::block
