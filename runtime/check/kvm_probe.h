#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "vmm/base/result.h"

namespace nacre::check {

/// How this host's KVM runs guest kernel code, found out with a VM of one page.
struct KvmProbe {
    std::uint64_t instructions = 0;  // that the timed loop executed at CPL 0
    std::uint64_t nanoseconds = 0;   // of processor time that it took, the best of three
    bool runs_popcnt = false;        // an instruction that KVM's own emulator lacks
};

/// Runs the probe in a process of its own that is killed after `timeout_ms`: a KVM that hangs is an error
/// here and nothing worse.
Result<KvmProbe> probe_kvm(int timeout_ms);

/// Why a KVM with these figures cannot run a guest kernel; none if it can. A KVM that uses the processor's
/// virtualisation executes millions of instructions in a millisecond, one that emulates guest kernels about a
/// thousand.
std::optional<std::string> unfit_reason(const KvmProbe& probe);

}  // namespace nacre::check
