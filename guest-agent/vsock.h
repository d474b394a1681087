#pragma once

#include <cstdint>

#include "vmm/base/file_descriptor.h"

namespace nacre::agent {

/// A non-blocking listener on a vsock port of this VM.
Result<FileDescriptor> listen_vsock(std::uint32_t port);

/// A connection to a port of the host.
Result<FileDescriptor> connect_to_host(std::uint32_t port);

/// Whether the peer of a connected vsock socket is the host: a container may open vsock sockets too.
bool is_host(int socket);

}  // namespace nacre::agent
