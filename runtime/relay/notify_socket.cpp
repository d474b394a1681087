#include "runtime/relay/notify_socket.h"

#include <fcntl.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>
#include <unistd.h>

#include <array>
#include <cstddef>

#include "runtime/relay/descriptor_socket.h"
#include "vmm/base/file.h"

namespace nacre::runtime {

namespace {

constexpr timeval send_timeout{30, 0};

Result<FileDescriptor> connect_datagrams(const sockaddr_un& address, std::size_t name_size,
                                         const std::string& shown) {
    FileDescriptor socket(::socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0));
    if (!socket ||
        ::setsockopt(socket.get(), SOL_SOCKET, SO_SNDTIMEO, &send_timeout, sizeof send_timeout) < 0)
        return fail_errno("create socket");
    const auto size = static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + name_size);
    if (::connect(socket.get(), reinterpret_cast<const sockaddr*>(&address), size) < 0)
        return fail_errno("connect to NOTIFY_SOCKET {}", shown);
    return socket;
}

Result<FileDescriptor> connect_abstract(const std::string& address) {
    sockaddr_un name{};
    name.sun_family = AF_UNIX;
    if (address.size() > sizeof name.sun_path)
        return fail_with(ENAMETOOLONG, "NOTIFY_SOCKET {} is longer than the name of a socket can be",
                         address);
    address.copy(name.sun_path, address.size());
    name.sun_path[0] = '\0';
    return connect_datagrams(name, address.size(), address);
}

Result<FileDescriptor> connect_file(const FileDescriptor& file, const std::string& shown) {
    // sun_path holds 108 bytes; the socket's path may be longer.
    sockaddr_un name{};
    name.sun_family = AF_UNIX;
    fmt::format_to_n(name.sun_path, sizeof name.sun_path - 1, "/proc/self/fd/{}", file.get());
    return connect_datagrams(name, sizeof name.sun_path, shown);
}

}  // namespace

Result<FileDescriptor> connect_notify_socket(const std::string& address) {
    if (address.starts_with('@'))
        return connect_abstract(address);
    if (!address.starts_with('/'))
        return fail_with(EAFNOSUPPORT, "NOTIFY_SOCKET {} is neither a path nor an abstract name", address);
    NACRE_ASSIGN(const auto file, open_file(address, O_PATH));
    return connect_file(file, address);
}

Result<FileDescriptor> connect_notify_socket(const FileDescriptor& file) {
    return connect_file(file, "of the configuration");
}

Result<void> send_notification(const FileDescriptor& socket, const std::string& message) {
    if (::send(socket.get(), message.data(), message.size(), MSG_NOSIGNAL) < 0)
        return fail_errno("send to NOTIFY_SOCKET");
    return {};
}

bool says_ready(const std::string& message) {
    return ("\n" + message + "\n").find("\nREADY=1\n") != std::string::npos;
}

/// The manager closes the descriptor that comes with a barrier when all before it was handled.
Result<void> notify_barrier(const FileDescriptor& socket, int timeout_ms) {
    std::array<int, 2> ends{};
    if (::pipe2(ends.data(), O_CLOEXEC) < 0)
        return fail_errno("make pipe");
    const FileDescriptor reader(ends[0]);
    FileDescriptor writer(ends[1]);
    NACRE_TRY(send_descriptor(socket.get(), "BARRIER=1", writer.get()));
    writer.reset();
    pollfd entry{reader.get(), POLLIN, 0};
    if (::poll(&entry, 1, timeout_ms) < 0)
        return fail_errno("wait for the service manager");
    return {};
}

}  // namespace nacre::runtime
