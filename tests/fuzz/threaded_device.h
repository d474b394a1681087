#pragma once

#include <chrono>
#include <thread>

#include "tests/fuzz/mmio_guest.h"

namespace nacre::fuzz {

/// Drives a device that works on threads of its own: each step waits for the answers to what was published before, though not
/// for ever, as a guest may have destroyed the ring that it looks at.
inline void run_threaded_guest(virtio::Device& device, Input& input) {
    auto left = std::chrono::microseconds(20'000);  // for the whole run
    MmioGuest* running = nullptr;
    MmioGuest guest(
        device, [](Input&) {},
        [&] {
            constexpr auto pause = std::chrono::microseconds(50);
            for (; !running->is_idle() && left > pause; left -= pause)
                std::this_thread::sleep_for(pause);
        });
    running = &guest;
    guest.run(input);
}

}  // namespace nacre::fuzz
