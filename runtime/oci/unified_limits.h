#pragma once

#include <string_view>

#include "runtime/oci/spec.h"

namespace nacre::oci {

/// `resources` with the limits that `unified` sets in the members that mean the same: memory.max as
/// memory.limit, cpu.max as cpu.quota and cpu.period, cpuset.cpus and cpuset.mems, pids.max as pids.limit. A
/// member that both set takes the value of `unified`, which the guest's cgroup gets last (config-linux.md,
/// "unified"). Values that are not well formed change nothing here: the guest's kernel refuses them.
Resources with_unified_limits(Resources resources);

/// Whether a setting of `unified` names a block device by its number, "8:0 riops=100" for io.max. Devices are
/// the host's, and so is the cgroup that such a setting belongs to: in the guest they have other numbers, if
/// any.
bool names_device(std::string_view file, std::string_view value);

}  // namespace nacre::oci
