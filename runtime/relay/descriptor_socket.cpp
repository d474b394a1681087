#include "runtime/relay/descriptor_socket.h"

#include <fcntl.h>
#include <sys/socket.h>
#include <sys/un.h>

#include <array>
#include <cstring>

#include "vmm/base/file.h"

namespace nacre::runtime {

Result<FileDescriptor> connect_descriptor_socket(const std::string& path, const std::string& what) {
    NACRE_ASSIGN(const auto file, open_file(path, O_PATH));
    FileDescriptor socket(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
    if (!socket)
        return fail_errno("create socket");
    // sun_path holds 108 bytes; the socket's path may be longer.
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    fmt::format_to_n(address.sun_path, sizeof address.sun_path - 1, "/proc/self/fd/{}", file.get());
    if (::connect(socket.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) < 0)
        return fail_errno("connect to {} {}", what, path);
    return socket;
}

Result<void> send_descriptor(int socket, const std::string& text, int fd) {
    iovec vector{const_cast<char*>(text.data()), text.size()};
    alignas(cmsghdr) std::array<char, CMSG_SPACE(sizeof fd)> control{};
    msghdr header{};
    header.msg_iov = &vector;
    header.msg_iovlen = 1;
    header.msg_control = control.data();
    header.msg_controllen = control.size();
    cmsghdr* message = CMSG_FIRSTHDR(&header);
    message->cmsg_level = SOL_SOCKET;
    message->cmsg_type = SCM_RIGHTS;
    message->cmsg_len = CMSG_LEN(sizeof fd);
    std::memcpy(CMSG_DATA(message), &fd, sizeof fd);
    if (::sendmsg(socket, &header, MSG_NOSIGNAL) < 0)
        return fail_errno("send descriptor of {}", text);
    return {};
}

}  // namespace nacre::runtime
