#pragma once

#include <sys/types.h>

#include <map>
#include <utility>
#include <vector>

#include "guest-agent/protocol/messages.h"
#include "vmm/base/file_descriptor.h"

namespace nacre::agent {

/// A new process's ends of what its descriptors are from the beginning.
struct ChildPipes {
    std::vector<FileDescriptor> standard;  // 0, 1, 2; none for a process with a terminal
    std::vector<FileDescriptor> passed;    // 3 and on

    /// All of them, to be kept open until they are taken.
    std::vector<int> descriptors() const;

    /// In the process: makes the standard ones descriptors 0, 1, 2.
    Result<void> take_standard();

    /// In the process: makes the passed ones descriptors 3 and on, whatever was open there.
    Result<void> take_passed();
};

/// The agent's ends, non-blocking and close-on-exec, by the process's descriptor. One that it both reads and
/// writes is a socket, here in two duplicates.
struct ParentPipes {
    std::map<std::uint32_t, FileDescriptor> inputs;   // written here
    std::map<std::uint32_t, FileDescriptor> outputs;  // read here
};

/// Adds pipes for the standard streams, which belong to `owner`: who may then open /dev/stdout and the like.
Result<void> add_standard_pipes(uid_t owner, ParentPipes& parent, ChildPipes& child);

/// Adds a pipe or socket, of the same owner, for each of `descriptors`.
Result<void> add_passed(const std::vector<protocol::PassedDescriptor>& descriptors, uid_t owner,
                        ParentPipes& parent, ChildPipes& child);

}  // namespace nacre::agent
