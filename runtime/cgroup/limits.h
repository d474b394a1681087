#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "runtime/oci/spec.h"

namespace nacre::runtime {

/// One write to a file of a cgroup directory.
struct CgroupSetting {
    std::string controller;  // "memory"
    std::string file;        // "memory.max"
    std::string value;
    bool operator==(const CgroupSetting&) const = default;
};

/// The host's limits for the processes of a container: the VMM and the relays. The workload's own limits are
/// enforced exactly inside the guest; here the VM as a whole is bounded: CPU as configured, memory by
/// `memory_bytes` (the VM's RAM and what the VMM needs), block I/O (weight and throttles) on the host's
/// devices. pids are not limited here: the limit is the workload's, and VMM threads are not workload.
/// Limits of `unified` on CPU and memory count as the members that mean the same, and those of block I/O that
/// name devices hold here alone; cgroup v1 has no such files, and writing them fails.
std::vector<CgroupSetting> host_limits(const oci::Resources& configured, std::uint64_t memory_bytes,
                                       bool unified);

}  // namespace nacre::runtime
