#pragma once

#include <cstdint>

#include "runtime/oci/spec.h"

namespace nacre::runtime {

/// What the guest kernel and the agent need beside the container's own memory limit.
constexpr std::uint64_t guest_overhead_bytes = 48ULL << 20;

/// RAM of a VM whose container has no memory limit. Untouched memory costs the host nothing; what costs is
/// the guest's table of pages, 1.6 % of it.
constexpr std::uint64_t default_memory_bytes = 512ULL << 20;

/// Host memory for the VMM itself, the relay and the page cache of shared files, above the guest's RAM.
constexpr std::uint64_t host_overhead_bytes = 64ULL << 20;

/// RAM of this host.
std::uint64_t host_memory_bytes();

struct VmSize {
    std::uint64_t memory_bytes = default_memory_bytes;  // a multiple of 1 MiB
    std::uint32_t vcpus = 1;
};

/// The VM for one container: what `vm.hwConfig` asks for; else RAM for its memory limit plus the overhead,
/// and as many vCPUs as its CPU quota fills (one without a quota). Within what nacre-vmm takes and the host
/// has.
VmSize vm_size(const oci::Spec& spec, std::uint64_t host_memory_bytes);

}  // namespace nacre::runtime
