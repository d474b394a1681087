#pragma once

#include <string>

#include "vmm/base/file_descriptor.h"

namespace nacre::runtime {

/// Connects to the unix stream socket at `path`, of any length, on which a caller waits for a descriptor.
/// `what` names it in errors: "console socket".
Result<FileDescriptor> connect_descriptor_socket(const std::string& path, const std::string& what);

/// Sends `fd` in one message as SCM_RIGHTS, with `text`, which must not be empty, as its data (as runc does).
Result<void> send_descriptor(int socket, const std::string& text, int fd);

}  // namespace nacre::runtime
