#pragma once

#include "vmm/base/result.h"
#include "vmm/jail/capabilities.h"
#include "vmm/jail/thread_kind.h"

namespace nacre::jail {

// The steps into the jail, in this order.

/// First, while the process has one thread: no new privileges, no core dumps, no locked memory, no ptrace by
/// others, and no capability ever again but those `kept`. Threads started later inherit it.
Result<void> limit_process(CapabilitySet kept);

/// On every thread, before it touches what a guest gave: capabilities, then the kind's system calls
/// (syscall_rules.h). The event loop before both, for itself and all that it starts: an unprivileged user,
/// and no files.
Result<void> restrict_thread(ThreadKind kind);

/// When everything outside has been opened, on a thread that was not restricted yet: the directory becomes
/// the whole file system of the process. It must be the root of a mount, in a mount namespace that the
/// caller of the process has made, with private propagation.
Result<void> change_root(int directory);

}  // namespace nacre::jail
