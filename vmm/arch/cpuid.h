#pragma once

#include <linux/kvm.h>

#include <cstdint>
#include <span>
#include <vector>

namespace nacre::arch {

/// What CPUID shows on vCPU `id` of `count` (1 … 32), made from what KVM_GET_SUPPORTED_CPUID offers.
///
/// The machine is one socket of `count` cores without hyper-threads; the APIC ID is the vCPU's number. Nested
/// virtualisation, performance counters and MONITOR are hidden; the hypervisor bit, the TSC deadline timer
/// and KVM's own leaves are shown. Sources: Intel SDM volume 2 (CPUID), AMD APM volume 3 appendix E,
/// Documentation/virt/kvm/x86/cpuid.rst.
std::vector<kvm_cpuid_entry2> guest_cpuid(std::span<const kvm_cpuid_entry2> supported, std::uint32_t id,
                                          std::uint32_t count);

}  // namespace nacre::arch
