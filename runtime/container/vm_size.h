#pragma once

#include <cstdint>

#include "runtime/oci/spec.h"

namespace nacre::runtime {

/// Host memory for the VMM itself, the relay and the page cache of shared files, above the guest's RAM.
constexpr std::uint64_t host_overhead_bytes = 64ULL << 20;

/// RAM of a VM whose container has no memory limit. Untouched memory costs the host nothing; what costs is
/// the guest's table of pages, 1.6 % of it.
constexpr std::uint64_t default_memory_bytes = 512ULL << 20;

/// What the guest kernel and the agent need beside a container's memory limit of `limit` bytes: 48 MiB, the
/// table of pages for a GiB among them, and the table for what is beyond.
std::uint64_t guest_overhead(std::uint64_t limit);

/// What this host has.
struct HostSize {
    std::uint64_t memory_bytes = 0;
    std::uint32_t cpus = 1;  // online
};
HostSize host_size();

struct VmSize {
    std::uint64_t memory_bytes = default_memory_bytes;  // a multiple of 1 MiB
    std::uint32_t vcpus = 1;
    // What it can grow to.
    std::uint64_t max_memory_bytes = default_memory_bytes;  // a multiple of 1 MiB
    std::uint32_t max_vcpus = 1;
};

/// The VM for one container: what `vm.hwConfig` asks for, which then never changes; else RAM for its memory
/// limit plus the overhead, and as many vCPUs as its CPU quota fills (one without a quota). Of a pod's
/// sandbox, what the CRI's annotations say of the pod's limits takes the place of its own. Within what
/// nacre-vmm takes; no more RAM than the host has, and but by `vm.hwConfig` no more vCPUs than it has CPUs,
/// however high a limit is.
VmSize vm_size(const oci::Spec& spec, const HostSize& host);

}  // namespace nacre::runtime
