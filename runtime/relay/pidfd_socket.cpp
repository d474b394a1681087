#include "runtime/relay/pidfd_socket.h"

#include "runtime/relay/descriptor_socket.h"
#include "vmm/base/pidfd.h"

namespace nacre::runtime {

Result<FileDescriptor> connect_pidfd_socket(const std::string& path) {
    if (path.empty())
        return FileDescriptor();
    return connect_descriptor_socket(path, "pidfd socket");
}

Result<void> send_pidfd(const FileDescriptor& socket, pid_t pid, const std::string& kind) {
    if (!socket)
        return {};
    NACRE_ASSIGN(const auto pidfd, open_pidfd(pid));
    return send_descriptor(socket.get(), kind, pidfd.get());
}

}  // namespace nacre::runtime
