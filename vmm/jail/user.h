#pragma once

#include <sys/types.h>

#include "vmm/base/result.h"

namespace nacre::jail {

/// Whom threads are that serve no files: "nobody", the kernel's overflow id (user_namespaces(7)).
constexpr uid_t unprivileged_user = 65534;

/// Makes the calling thread, and those that it starts, a process of that user and group, without
/// supplementary groups. Other threads stay who they are: credentials(7) are a thread's, for the kernel.
/// Needs CAP_SETUID and CAP_SETGID.
Result<void> become_unprivileged_user();

}  // namespace nacre::jail
