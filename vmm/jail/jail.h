#pragma once

#include "vmm/base/result.h"

namespace nacre::jail {

/// What a thread does, which decides what it may do.
enum class ThreadKind {
    vcpu,         // runs guest code, serves register accesses
    event_loop,   // moves bytes of vsock, console, rng
    file_server,  // acts on the share for the guest's users
};

/// The part of the jail that holds for the whole process; to be called while it has one thread: no new
/// privileges, no core dumps, no ptrace by others, as many descriptors as the hard limit allows, no
/// capability but those that a thread kind needs, and, if `root_fd` is not -1, that directory as the whole
/// file system.
///
/// The caller of the process has given it a mount namespace of its own with private propagation, in which
/// `root_fd` is the root of a mount.
Result<void> enter(int root_fd);

/// The part that holds for the calling thread and threads it starts: capabilities.
Result<void> restrict_thread(ThreadKind kind);

}  // namespace nacre::jail
