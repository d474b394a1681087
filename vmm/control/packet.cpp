#include "vmm/control/packet.h"

#include <sys/socket.h>

#include <array>
#include <cstring>
#include <span>

namespace nacre::control {

namespace {

/// Room for the control message of `max_packet_descriptors`, aligned as the kernel wants it.
struct RightsBuffer {
    alignas(cmsghdr) std::array<std::byte, CMSG_SPACE(max_packet_descriptors * sizeof(int))> bytes{};
};

void add_rights(msghdr& message, RightsBuffer& buffer, const std::vector<int>& descriptors) {
    const auto bytes = descriptors.size() * sizeof(int);
    message.msg_control = buffer.bytes.data();
    message.msg_controllen = CMSG_SPACE(bytes);
    auto* header = CMSG_FIRSTHDR(&message);
    header->cmsg_level = SOL_SOCKET;
    header->cmsg_type = SCM_RIGHTS;
    header->cmsg_len = CMSG_LEN(bytes);
    std::memcpy(CMSG_DATA(header), descriptors.data(), bytes);
}

std::vector<FileDescriptor> take_rights(const msghdr& message) {
    std::vector<FileDescriptor> descriptors;
    auto* header = CMSG_FIRSTHDR(&message);
    if (header == nullptr || header->cmsg_level != SOL_SOCKET || header->cmsg_type != SCM_RIGHTS)
        return descriptors;
    const std::size_t count = (header->cmsg_len - CMSG_LEN(0)) / sizeof(int);
    for (std::size_t i = 0; i < count; ++i) {
        int fd = -1;
        std::memcpy(&fd, CMSG_DATA(header) + i * sizeof fd, sizeof fd);
        descriptors.emplace_back(fd);
    }
    return descriptors;
}

}  // namespace

Result<void> send_packet(int socket, const std::string& text, const std::vector<int>& descriptors,
                         int flags) {
    if (text.size() > max_packet_bytes || descriptors.size() > max_packet_descriptors)
        return fail("a message of {} bytes and {} descriptors is too large", text.size(), descriptors.size());
    // sendmsg(2) does not write to it.
    iovec part{const_cast<char*>(text.data()), text.size()};
    msghdr message{};
    message.msg_iov = &part;
    message.msg_iovlen = 1;
    RightsBuffer buffer;
    if (!descriptors.empty())
        add_rights(message, buffer, descriptors);
    ssize_t sent = 0;
    do
        sent = ::sendmsg(socket, &message, flags | MSG_NOSIGNAL);
    while (sent < 0 && errno == EINTR);
    if (sent < 0)
        return fail_errno("send a message");
    return {};
}

Result<Packet> receive_packet(int socket, int flags) {
    Packet packet;
    packet.text.resize(max_packet_bytes);
    iovec part{packet.text.data(), packet.text.size()};
    msghdr message{};
    message.msg_iov = &part;
    message.msg_iovlen = 1;
    RightsBuffer buffer;
    message.msg_control = buffer.bytes.data();
    message.msg_controllen = buffer.bytes.size();
    ssize_t size = 0;
    do
        size = ::recvmsg(socket, &message, flags | MSG_CMSG_CLOEXEC);
    while (size < 0 && errno == EINTR);
    if (size < 0)
        return fail_errno("receive a message");
    packet.descriptors = take_rights(message);
    packet.text.resize(static_cast<std::size_t>(size));
    if ((message.msg_flags & (MSG_TRUNC | MSG_CTRUNC)) != 0)
        return fail("a message is larger than {} bytes or has more than {} descriptors", max_packet_bytes,
                    max_packet_descriptors);
    if (size == 0)
        return fail_with(ENOTCONN, "receive a message");
    return packet;
}

}  // namespace nacre::control
