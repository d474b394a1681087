#pragma once

#include <sys/types.h>

#include <string>

#include "vmm/base/file_descriptor.h"

namespace nacre::runtime {

/// The socket of a service manager, as sd_notify(3) uses it. Connects to `address`, the value of
/// NOTIFY_SOCKET: a path of any length, or an abstract name that begins with "@".
Result<FileDescriptor> connect_notify_socket(const std::string& address);

/// Connects to the socket behind an O_PATH descriptor.
Result<FileDescriptor> connect_notify_socket(const FileDescriptor& file);

/// Sends one message ("READY=1"). Waits for a manager that is behind, but not for ever.
Result<void> send_notification(const FileDescriptor& socket, const std::string& message);

/// Whether a message says that the service is ready: one of its lines is "READY=1".
bool says_ready(const std::string& message);

/// Waits until the manager has taken all that this process sent, at most `timeout_ms`
/// (sd_notify_barrier(3)): it looks up the sender of a message, who therefore must not be gone. A manager
/// that does not know barriers is no error.
Result<void> notify_barrier(const FileDescriptor& socket, int timeout_ms);

}  // namespace nacre::runtime
