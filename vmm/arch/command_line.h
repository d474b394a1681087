#pragma once

#include <cstdint>
#include <string>

namespace nacre::arch {

/// What the kernel is told on its command line.
struct CommandLineOptions {
    bool console = false;              // the first virtio-console carries the kernel log
    std::uint32_t virtio_devices = 0;  // virtio-mmio slots, from kVirtioMmioBase and kVirtioFirstIrq up
    std::uint32_t vcpus = 1;           // of those in the MP table, how many it is to start by itself
};

/// The kernel's command line; nothing in it comes from outside the VMM.
std::string command_line(const CommandLineOptions& options);

}  // namespace nacre::arch
