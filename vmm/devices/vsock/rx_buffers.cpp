#include "vmm/devices/vsock/rx_buffers.h"

#include <sys/socket.h>

#include <algorithm>
#include <cerrno>

#include "vmm/devices/virtio/iovecs.h"

namespace nacre::vsock {

namespace {

/// Pieces that one recvmsg(2) gets at most; below IOV_MAX, so that it cannot fail for their number.
constexpr std::size_t max_pieces = 256;

std::size_t payload_room(const virtio::DescriptorChain& buffer) {
    return buffer.writable_bytes - header_bytes;
}

}  // namespace

RxBuffers::RxBuffers(virtio::Queue queue) : queue_(std::move(queue)) {
    queue_.disable_notifications();
}

Result<bool> RxBuffers::available() {
    if (!held_.empty())
        return true;
    NACRE_ASSIGN(bool got_one, hold_one());
    if (!got_one && queue_.enable_notifications()) {
        NACRE_ASSIGN(got_one, hold_one());
    }
    if (got_one)
        queue_.disable_notifications();
    return got_one;
}

/// Takes one more buffer from the queue, if there is any.
Result<bool> RxBuffers::hold_one() {
    NACRE_ASSIGN(auto buffer, queue_.pop());
    if (!buffer)
        return false;
    // A buffer that takes no payload would stand in the way of all behind it.
    if (buffer->writable_bytes <= header_bytes)
        return fail("vsock receive buffer of {} bytes is too small for a packet", buffer->writable_bytes);
    held_.push_back(std::move(*buffer));
    return true;
}

/// Takes buffers until they have room for `payload_bytes`; lists the room in pieces_ and returns its bytes,
/// less if there are not enough buffers.
Result<std::size_t> RxBuffers::hold(std::size_t payload_bytes) {
    pieces_.clear();
    std::size_t room = 0;
    for (std::size_t i = 0; room < payload_bytes; ++i) {
        if (i == held_.size()) {
            NACRE_ASSIGN(const bool got_one, hold_one());
            if (!got_one)
                break;
        }
        if (i > 0 && pieces_.size() + held_[i].writable.size() > max_pieces)
            break;
        room += virtio::append_part(held_[i].writable, header_bytes, payload_bytes - room, pieces_);
    }
    return room;
}

Result<void> RxBuffers::send(const PacketHeader& header) {
    return push_front(header);
}

/// Gives the first held buffer to the guest, with `header` in front of a payload that is already there.
Result<void> RxBuffers::push_front(const PacketHeader& header) {
    virtio::DescriptorChain buffer = std::move(held_.front());
    held_.pop_front();
    virtio::copy_to_iovecs(buffer.writable, 0, encode(header));
    return queue_.push_used(std::move(buffer), static_cast<std::uint32_t>(header_bytes) + header.length);
}

Result<RxBuffers::Transfer> RxBuffers::send_from(int socket, std::size_t limit, PacketHeader header) {
    NACRE_TRY(hold(limit));
    msghdr message{};
    message.msg_iov = pieces_.data();
    message.msg_iovlen = std::min(pieces_.size(), max_pieces);
    const ssize_t received = ::recvmsg(socket, &message, MSG_DONTWAIT | MSG_CMSG_CLOEXEC);
    if (received < 0)
        return Transfer{0, errno};
    auto left = static_cast<std::size_t>(received);
    while (left > 0) {
        const std::size_t length = std::min(left, payload_room(held_.front()));
        header.length = static_cast<std::uint32_t>(length);
        NACRE_TRY(push_front(header));
        left -= length;
    }
    return Transfer{static_cast<std::size_t>(received), 0};
}

}  // namespace nacre::vsock
