#pragma once

#include <linux/bpf.h>

#include <vector>

#include "runtime/oci/spec.h"
#include "vmm/base/file_descriptor.h"

/// The device cgroup of cgroup v2: a BPF program that the kernel asks before a device is opened or made
/// (config-linux.md "Device whitelist"; Documentation/bpf/prog_cgroup_device).
namespace nacre::agent {

/// The program for `rules`. The last rule that matches decides, and no match denies. What runc allows every
/// container (null, zero, full, random, urandom, tty, console, pseudo terminals; making any node) stands
/// behind the rules.
std::vector<bpf_insn> device_program(const std::vector<oci::DeviceRule>& rules);

/// Puts the program for `rules` on the cgroup directory `cgroup` beside those that are there, and returns it.
Result<FileDescriptor> attach_device_filter(int cgroup, const std::vector<oci::DeviceRule>& rules);

/// Takes a program off again.
Result<void> detach_device_filter(int cgroup, int program);

}  // namespace nacre::agent
