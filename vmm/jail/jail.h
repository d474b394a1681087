#pragma once

#include "vmm/base/result.h"

namespace nacre::jail {

/// What a thread does, which decides what it may do.
enum class ThreadKind {
    vcpu,         // runs guest code, serves register accesses
    event_loop,   // moves bytes of vsock, console, rng; gives memory back
    file_server,  // acts on the share for the guest's users
    block,        // moves bytes between guest memory and one open file
    network,      // moves frames between guest memory and a tap
};

// The steps into the jail, in this order.

/// First, while the process has one thread: no new privileges, no core dumps, no ptrace by others, and no
/// capability ever again but those that a thread kind keeps. Threads started later inherit it.
Result<void> limit_process();

/// On every thread, before it touches what a guest gave: capabilities. (A seccomp filter for the kind belongs
/// here.)
Result<void> restrict_thread(ThreadKind kind);

/// When everything outside has been opened, on a thread that was not restricted yet: the directory becomes
/// the whole file system of the process. It must be the root of a mount, in a mount namespace that the
/// caller of the process has made, with private propagation.
Result<void> change_root(int directory);

}  // namespace nacre::jail
