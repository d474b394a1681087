#pragma once

#include <cstdint>
#include <vector>

#include "runtime/oci/spec.h"

/// Block devices that a configuration names by the host's numbers have others in the VM.
namespace nacre::agent {

struct DeviceNumber {
    std::int64_t major = 0;
    std::int64_t minor = 0;
    bool operator==(const DeviceNumber&) const = default;
};

/// A block device of the host, and the disk of the VM that stands for it.
struct DeviceTranslation {
    DeviceNumber host;
    DeviceNumber guest;
};

/// The rules of a device cgroup as they are meant, with the VM's numbers. A rule for block devices of one
/// major number speaks of the host's: it becomes a rule for each of `translations` that it covers. Where its
/// number is `disk_major`, the one of all disks of this VM, nothing else is left of it, so that it cannot
/// open by accident what belongs to another container.
std::vector<oci::DeviceRule> translate_rules(const std::vector<oci::DeviceRule>& rules,
                                             const std::vector<DeviceTranslation>& translations,
                                             std::int64_t disk_major);

}  // namespace nacre::agent
