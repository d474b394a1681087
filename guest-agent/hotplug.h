#pragma once

#include <cstdint>
#include <string>

#include "vmm/base/result.h"

namespace nacre::agent {

/// What the kernel has made of a virtio device: an interface ("net", "eth0") or a disk ("block", "vda").
struct FoundDevice {
    std::string kind;  // the class in sysfs; empty for a device that is neither
    std::string name;
};

/// Looks into device slot `slot` of the VM again, in which the host has put a device: binds the platform
/// device `virtio-mmio.<slot>`, which the kernel left alone at boot, to its driver. `sysfs` is where sysfs is
/// mounted. Returns when the device's driver has started it, which for a disk includes the reading of its
/// partition table.
Result<FoundDevice> probe_device(const std::string& sysfs, std::uint32_t slot);

/// Lets go of the device in `slot`, so that the host can take it out.
Result<void> release_device(const std::string& sysfs, std::uint32_t slot);

}  // namespace nacre::agent
