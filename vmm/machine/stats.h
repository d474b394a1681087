#pragma once

#include <memory>
#include <string>
#include <vector>

#include "vmm/machine/timeline.h"
#include "vmm/machine/vcpu_thread.h"

namespace nacre::machine {

/// Writes one line of JSON to `fd`: "phases_ns" (CLOCK_MONOTONIC), "exits" to user space by kind, and "kvm",
/// the kernel's own counters summed over the vCPUs (Documentation/virt/kvm/api.rst, KVM_GET_STATS_FD), where
/// the host has them.
Result<void> write_stats(int fd, const Timeline& timeline,
                         const std::vector<std::unique_ptr<VcpuThread>>& vcpus);

}  // namespace nacre::machine
