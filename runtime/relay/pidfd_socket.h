#pragma once

#include <sys/types.h>

#include <string>

#include "vmm/base/file_descriptor.h"

namespace nacre::runtime {

/// Connects to the socket of --pidfd-socket; none for an empty path.
Result<FileDescriptor> connect_pidfd_socket(const std::string& path);

/// Gives the holder of the socket a pidfd of process `pid`, with `kind` as runc names it: "standard" for a
/// container's init, "setns" for an exec'd process. Nothing to do without a socket.
Result<void> send_pidfd(const FileDescriptor& socket, pid_t pid, const std::string& kind);

}  // namespace nacre::runtime
