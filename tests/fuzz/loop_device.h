#pragma once

#include "tests/fuzz/mmio_guest.h"
#include "vmm/base/event_loop.h"

namespace nacre::fuzz {

/// Lets a device whose work is done on `loop` do what it has to.
inline void settle(EventLoop& loop) {
    for (int round = 0; round < 4; ++round)
        require(loop.run_once(0).has_value());
}

/// Drives a device that has nothing to do with the host.
inline void run_guest(virtio::Device& device, EventLoop& loop, Input& input) {
    MmioGuest guest(
        device, [](Input&) {}, [&] { settle(loop); });
    guest.run(input);
}

}  // namespace nacre::fuzz
