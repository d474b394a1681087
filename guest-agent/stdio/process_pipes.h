#pragma once

#include <sys/types.h>

#include <utility>

#include "vmm/base/file_descriptor.h"

namespace nacre::agent {

/// A new process's ends of the pipes that are its standard streams; all empty for one with a terminal.
struct ChildPipes {
    FileDescriptor input;
    FileDescriptor output;
    FileDescriptor error;

    /// In the process: makes them descriptors 0, 1, 2.
    Result<void> take();
};

/// The agent's ends, non-blocking and close-on-exec. With a terminal, `input` and `output` are its master.
struct ParentPipes {
    FileDescriptor input;   // written
    FileDescriptor output;  // read
    FileDescriptor error;   // read
};

/// Pipes that belong to `owner`, who may then open /dev/stdout and the like.
Result<std::pair<ParentPipes, ChildPipes>> make_process_pipes(uid_t owner);

}  // namespace nacre::agent
