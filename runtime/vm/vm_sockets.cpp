#include "runtime/vm/vm_sockets.h"

#include <fcntl.h>
#include <sys/socket.h>
#include <sys/un.h>

#include "vmm/base/file.h"

namespace nacre::runtime {

namespace {

/// `name` in the directory that is open as `directory`.
sockaddr_un address_in(const FileDescriptor& directory, const char* name) {
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    fmt::format_to_n(address.sun_path, sizeof address.sun_path - 1, "/proc/self/fd/{}/{}", directory.get(),
                     name);
    return address;
}

const sockaddr* generic(const sockaddr_un& address) {
    // The kernel's functions take every family by the same pointer.
    return reinterpret_cast<const sockaddr*>(&address);
}

}  // namespace

Result<FileDescriptor> listen_in(const std::string& directory, const char* name, int type) {
    NACRE_ASSIGN(const auto parent, open_file(directory, O_PATH | O_DIRECTORY));
    FileDescriptor socket(::socket(AF_UNIX, type | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
    if (!socket)
        return fail_errno("create socket");
    const auto address = address_in(parent, name);
    if (::bind(socket.get(), generic(address), sizeof address) < 0 || ::listen(socket.get(), 128) < 0)
        return fail_errno("listen on {}/{}", directory, name);
    return socket;
}

Result<FileDescriptor> connect_in(const std::string& directory, const char* name, int type) {
    NACRE_ASSIGN(const auto parent, open_file(directory, O_PATH | O_DIRECTORY));
    FileDescriptor socket(::socket(AF_UNIX, type | SOCK_CLOEXEC, 0));
    if (!socket)
        return fail_errno("create socket");
    const auto address = address_in(parent, name);
    if (::connect(socket.get(), generic(address), sizeof address) < 0)
        return fail_errno("connect to {}/{}", directory, name);
    return socket;
}

}  // namespace nacre::runtime
