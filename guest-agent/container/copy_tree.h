#pragma once

#include "vmm/base/result.h"

namespace nacre::agent {

/// Copies what is in the directory `from` into the directory `to` (both may be O_PATH): files, directories,
/// links, device nodes, with owner and mode. Sockets are left out.
Result<void> copy_tree(int from, int to);

}  // namespace nacre::agent
