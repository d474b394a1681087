#pragma once

#include "vmm/base/result.h"

namespace nacre::jail {

/// The calling thread, and those that it starts, can no longer open, make, change or remove any file by its
/// name, whichever way the kernel is asked (landlock(7)): also where a system call filter does not look. What
/// is open stays usable. Nothing happens where the host's kernel has no Landlock. Needs no_new_privs.
Result<void> forbid_paths();

}  // namespace nacre::jail
