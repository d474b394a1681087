#pragma once

#include <cstdint>
#include <string>

namespace nacre::arch {

/// The kernel's command line; nothing in it comes from outside the VMM.
/// `console` says whether the first virtio-console carries the kernel log; `virtio_devices` is the number of
/// virtio-mmio slots in use, from kVirtioMmioBase and kVirtioFirstIrq up.
std::string command_line(bool console, std::uint32_t virtio_devices);

}  // namespace nacre::arch
