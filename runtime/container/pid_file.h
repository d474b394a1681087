#pragma once

#include <sys/types.h>

#include <string>

#include "vmm/base/result.h"

namespace nacre::runtime {

/// Writes `pid` in decimal, without a newline, to a temporary file beside `path` and renames it: a reader
/// sees all or nothing.
Result<void> write_pid_file(const std::string& path, pid_t pid);

}  // namespace nacre::runtime
