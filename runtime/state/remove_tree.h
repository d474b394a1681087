#pragma once

#include <string>

#include "vmm/base/result.h"

namespace nacre::runtime {

/// Removes the entry `name` of the directory `parent` and everything below it. Symbolic links are removed,
/// not followed. What is gone already is no error; a mount point is (EBUSY).
Result<void> remove_tree(int parent, const std::string& name);

}  // namespace nacre::runtime
