#pragma once

#include <string>

#include "vmm/base/file_descriptor.h"
#include "vmm/base/result.h"

/// The unix sockets of a VM, in its directory. That may have a path of any length (sun_path holds 108 bytes):
/// sockets are reached through the open directory.
namespace nacre::runtime {

constexpr const char* vsock_socket_name = "vsock";      // SOCK_STREAM: to the guest's ports
constexpr const char* control_socket_name = "control";  // SOCK_SEQPACKET: to nacre-vmm itself

/// Makes the socket `name` of `type` (SOCK_*) in `directory`, and listens on it without blocking.
Result<FileDescriptor> listen_in(const std::string& directory, const char* name, int type);

/// A connection to it; blocking.
Result<FileDescriptor> connect_in(const std::string& directory, const char* name, int type);

}  // namespace nacre::runtime
