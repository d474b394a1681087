#pragma once

#include "vmm/base/result.h"

/// What PID 1 of a VM does before it serves: the least that containers need.
namespace nacre::agent {

/// Opens /dev/null for standard descriptors that the kernel left closed, so that nothing else gets their
/// numbers. First of all.
void fill_standard_descriptors();

/// A root that pivot_root(2) can be left from, and the kernel's file systems on it; loopback up; the agent
/// safe from the out-of-memory killer.
Result<void> boot();

/// Mounts the virtio-fs share unless it is mounted.
Result<void> mount_share();

/// Tells the VMM what has been reached (vmm/machine/exits.h, kPhasePort), for the benchmark.
enum class BootPhase : unsigned char { agent_started = 1, container_started = 2 };
void tell_phase(BootPhase phase);

/// Ends the VM as QEMU's ACPI power-off would: 0x2000 to port 0x604 (vmm/machine). Returns only if the kernel
/// refuses; the caller then ends, which the host sees as a crash.
void power_off();

}  // namespace nacre::agent
