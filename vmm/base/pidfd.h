#pragma once

#include <sys/types.h>

#include "vmm/base/file_descriptor.h"

namespace nacre {

/// pidfd_open(2): a descriptor of the process that now has this pid.
Result<FileDescriptor> open_pidfd(pid_t pid);

/// Waits until the process behind `pidfd` has ended (a zombie has); false after `timeout_ms` (-1: no limit).
bool wait_for_end(int pidfd, int timeout_ms);

/// pidfd_send_signal(2); a process that has gone already is no error.
Result<void> send_signal(int pidfd, int signal);

}  // namespace nacre
