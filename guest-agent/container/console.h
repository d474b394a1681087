#pragma once

#include <optional>

#include "runtime/oci/spec.h"
#include "vmm/base/file_descriptor.h"

namespace nacre::agent {

/// Both ends of a pseudoterminal of a container's own devpts.
struct Console {
    FileDescriptor master;
    FileDescriptor slave;
};

/// A new terminal from /dev/pts of the tree at `root`, which must be a devpts. What it writes is ended by
/// newlines alone if it goes to the caller's terminal, or where that caller has its output go: as with runc,
/// the carriage returns are the caller's terminal's.
Result<Console> open_console(int root, const std::optional<oci::ConsoleSize>& size, bool callers_terminal);

/// Puts the terminal on the container's /dev/console.
Result<void> bind_console(int root, int slave);

/// Makes the terminal the calling session's, and its standard input, output and error.
Result<void> take_console(int slave);

}  // namespace nacre::agent
