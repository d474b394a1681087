#include "runtime/network/embedded_name_server.h"

#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/time.h>

#include <cerrno>

#include "guest-agent/protocol/network.h"
#include "vmm/base/file.h"

namespace nacre::runtime {

namespace {

constexpr in_addr_t address = 0x7f00000b;  // 127.0.0.11
constexpr std::uint16_t port = 53;
constexpr std::size_t length_bytes = 2;
constexpr std::size_t max_list_bytes = 1 << 20;  // some 8000 sockets

Result<FileDescriptor> connect_to_server(int type) {
    FileDescriptor socket(::socket(AF_INET, type | SOCK_CLOEXEC, 0));
    // Docker's own wait for a name server outside is four seconds.
    const timeval limit{10, 0};
    sockaddr_in server{};
    server.sin_family = AF_INET;
    server.sin_port = htons(port);
    server.sin_addr.s_addr = htonl(address);
    if (!socket || ::setsockopt(socket.get(), SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof(limit)) < 0 ||
        ::setsockopt(socket.get(), SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof(limit)) < 0 ||
        ::connect(socket.get(), reinterpret_cast<const sockaddr*>(&server), sizeof(server)) < 0)
        return fail_errno("connect to the name server");
    return socket;
}

Result<void> send(int socket, std::string_view bytes) {
    const auto sent = ::send(socket, bytes.data(), bytes.size(), MSG_NOSIGNAL);
    if (sent < 0)
        return fail_errno("ask the name server");
    if (static_cast<std::size_t>(sent) != bytes.size())
        return fail("ask the name server: it does not take the question");
    return {};
}

/// One datagram, or with MSG_WAITALL that many bytes.
Result<std::string> receive(int socket, std::size_t size, int flags) {
    std::string bytes(size, '\0');
    const auto count = ::recv(socket, bytes.data(), bytes.size(), flags);
    if (count < 0)
        return fail_errno("wait for the name server");
    bytes.resize(static_cast<std::size_t>(count));
    if ((flags & MSG_WAITALL) != 0 && bytes.size() != size)
        return fail("wait for the name server: its answer ends early");
    return bytes;
}

Result<std::string> ask_over_udp(std::string_view question) {
    NACRE_ASSIGN(const auto socket, connect_to_server(SOCK_DGRAM));
    NACRE_TRY(send(socket.get(), question));
    return receive(socket.get(), protocol::max_name_message_bytes, 0);
}

/// Each message has its length before it (RFC 1035, 4.2.2).
Result<std::string> ask_over_tcp(std::string_view question) {
    NACRE_ASSIGN(const auto socket, connect_to_server(SOCK_STREAM));
    std::string bytes{static_cast<char>(question.size() >> 8), static_cast<char>(question.size() & 0xff)};
    bytes += question;
    NACRE_TRY(send(socket.get(), bytes));
    NACRE_ASSIGN(const auto length, receive(socket.get(), length_bytes, MSG_WAITALL));
    const auto byte = [&](std::size_t index) {
        return static_cast<std::size_t>(static_cast<unsigned char>(length[index]));
    };
    return receive(socket.get(), byte(0) << 8 | byte(1), MSG_WAITALL);
}

}  // namespace

bool has_embedded_name_server() {
    const auto sockets = read_file("/proc/thread-self/net/udp", max_list_bytes);
    return sockets && lists_name_server(*sockets);
}

bool lists_name_server(std::string_view sockets) {
    // "sl: local_address:port remote_address:port …"; addresses are numbers of this machine's byte order.
    return sockets.find(fmt::format(": {:08X}:", htonl(address))) != std::string_view::npos;
}

Result<std::string> ask_embedded_name_server(bool tcp, std::string_view question) {
    if (question.size() > protocol::max_name_message_bytes)
        return fail("ask the name server: {} bytes are no DNS message", question.size());
    return tcp ? ask_over_tcp(question) : ask_over_udp(question);
}

}  // namespace nacre::runtime
