#pragma once

#include <linux/filter.h>

#include <vector>

#include "vmm/base/result.h"
#include "vmm/jail/thread_kind.h"

namespace nacre::jail {

/// The seccomp filter of a kind of threads, from syscall_rules(): a classic BPF program (seccomp(2)). What no
/// rule allows kills the process, and so does any system call of another ABI (32-bit, x32).
std::vector<sock_filter> syscall_filter(ThreadKind kind);

/// Puts the calling thread, and those that it starts, under the filter for ever. A thread that is under one
/// already is under both. The thread must have no_new_privs.
Result<void> install_syscall_filter(ThreadKind kind);

}  // namespace nacre::jail
