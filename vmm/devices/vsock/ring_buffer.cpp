#include "vmm/devices/vsock/ring_buffer.h"

#include <algorithm>
#include <cstring>
#include <new>

#include "vmm/devices/virtio/iovecs.h"
#include "vmm/devices/virtio/queue.h"

namespace nacre::vsock {

bool RingBuffer::append(std::span<const iovec> source, std::size_t offset) {
    const std::size_t total = virtio::total_bytes(source);
    if (offset > total || total - offset > room())
        return false;
    if (!memory_)
        memory_.reset(new (std::nothrow) std::byte[capacity_]);
    if (!memory_)
        return false;
    for (std::size_t left = total - offset; left > 0;) {
        const std::size_t end = (start_ + size_) % capacity_;
        const std::span<std::byte> free_piece(memory_.get() + end, std::min(left, capacity_ - end));
        const std::size_t copied = virtio::copy_from_iovecs(source, offset, free_piece);
        offset += copied;
        size_ += copied;
        left -= copied;
    }
    return true;
}

std::array<iovec, 2> RingBuffer::content() const {
    const std::size_t first = std::min(size_, capacity_ - start_);
    return {iovec{memory_.get() + start_, first}, iovec{memory_.get(), size_ - first}};
}

void RingBuffer::consume(std::size_t bytes) {
    size_ -= bytes;
    start_ = (start_ + bytes) % capacity_;
    if (empty())
        clear();
}

void RingBuffer::clear() {
    start_ = size_ = 0;
    memory_.reset();
}

}  // namespace nacre::vsock
