#include "guest-agent/vsock.h"

#include <linux/vm_sockets.h>
#include <sys/socket.h>

namespace nacre::agent {

namespace {

constexpr int backlog = 256;

sockaddr_vm address_of(std::uint32_t cid, std::uint32_t port) {
    sockaddr_vm address{};
    address.svm_family = AF_VSOCK;
    address.svm_cid = cid;
    address.svm_port = port;
    return address;
}

/// The type that the socket calls take every address as.
const sockaddr* generic(const sockaddr_vm& address) {
    return reinterpret_cast<const sockaddr*>(&address);
}

}  // namespace

Result<FileDescriptor> listen_vsock(std::uint32_t port) {
    FileDescriptor socket(::socket(AF_VSOCK, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
    if (!socket)
        return fail_errno("create vsock socket");
    const auto address = address_of(VMADDR_CID_ANY, port);
    if (::bind(socket.get(), generic(address), sizeof address) < 0)
        return fail_errno("bind vsock port {}", port);
    if (::listen(socket.get(), backlog) < 0)
        return fail_errno("listen on vsock port {}", port);
    return socket;
}

Result<FileDescriptor> connect_to_host(std::uint32_t port) {
    FileDescriptor socket(::socket(AF_VSOCK, SOCK_STREAM | SOCK_CLOEXEC, 0));
    if (!socket)
        return fail_errno("create vsock socket");
    const auto address = address_of(VMADDR_CID_HOST, port);
    if (::connect(socket.get(), generic(address), sizeof address) < 0)
        return fail_errno("connect to vsock port {} of the host", port);
    return socket;
}

bool is_host(int socket) {
    sockaddr_vm address{};
    socklen_t length = sizeof address;
    return ::getpeername(socket, reinterpret_cast<sockaddr*>(&address), &length) == 0 &&
           address.svm_family == AF_VSOCK && address.svm_cid == VMADDR_CID_HOST;
}

}  // namespace nacre::agent
