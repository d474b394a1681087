#pragma once

#include <sys/types.h>

#include <cstdint>

#include "vmm/base/file_descriptor.h"

namespace nacre::runtime {

/// A process, not only its number: pids are reused, a pid with its start time (clock ticks since boot, field
/// 22 of /proc/<pid>/stat, proc(5)) is not. pid 0: none.
struct ProcessIdentity {
    pid_t pid = 0;
    std::uint64_t start_time = 0;
    bool operator==(const ProcessIdentity&) const = default;
};

/// The identity of a process that now exists.
Result<ProcessIdentity> identify_process(pid_t pid);

/// Whether that very process still runs; a zombie does not.
bool is_alive(const ProcessIdentity& process);

/// A pidfd of that very process, also when it is a zombie. Fails with code ESRCH once it is gone.
Result<FileDescriptor> open_process(const ProcessIdentity& process);

}  // namespace nacre::runtime
