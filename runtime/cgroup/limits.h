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

/// What a VM has on the host beside a relay for each process of the workload that was begun from outside:
/// threads of nacre-vmm and of the kernel for its vCPUs, disks and interfaces.
inline constexpr std::int64_t host_overhead_tasks = 512;

/// The host's limits for the processes of a container: the VMM and the relays. The workload's own limits are
/// enforced exactly inside the guest; here the VM as a whole is bounded: CPU as configured, memory by
/// `memory_bytes` (the VM's RAM and what the VMM needs), tasks by the workload's limit and
/// host_overhead_tasks, block I/O (weight and throttles) on the host's devices.
/// Limits of `unified` on CPU, memory and pids count as the members that mean the same, and those of block
/// I/O that name devices hold here alone; cgroup v1 has no such files, and writing them fails.
std::vector<CgroupSetting> host_limits(const oci::Resources& configured, std::uint64_t memory_bytes,
                                       bool unified);

}  // namespace nacre::runtime
