#pragma once

#include "vmm/base/file_descriptor.h"

namespace nacre::jail {

/// The directory of the calling process's descriptors (proc_pid_fd(5)), for a thread that opens anew what it
/// holds. It lies on a procfs of its own, that is mounted nowhere, shows the processes of the caller's PID
/// namespace and nothing of the system, and cannot be written: no `..` leads from there to /proc/sys. Needs
/// CAP_SYS_ADMIN.
Result<FileDescriptor> open_own_descriptors();

}  // namespace nacre::jail
