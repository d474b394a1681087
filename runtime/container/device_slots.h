#pragma once

#include <cstddef>
#include <cstdint>

#include "vmm/base/result.h"

namespace nacre::runtime {

/// How many devices a VM can have in all while it runs: its interrupts are 19, and up to six are those of
/// devices that it has from the start.
constexpr std::uint32_t max_device_slots = 13;

/// Of a pod's sandbox: for disks of its containers.
constexpr std::uint32_t disks_of_members = 6;

/// For how many network interfaces and disks a VM is to be made: each costs a little of the boot, so that it
/// is not as many as there can be. `interfaces`: those that are known before, 0 where they come later; there
/// is always room for four. `disks`: the container's own. A pod's sandbox has room for `disks_of_members`
/// more, or what is left. An error if there are more than a VM can have.
Result<std::uint32_t> device_slots(std::size_t interfaces, std::size_t disks, bool sandbox);

}  // namespace nacre::runtime
