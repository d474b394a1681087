#pragma once

#include <sys/uio.h>

#include <array>
#include <cstddef>
#include <memory>
#include <span>

namespace nacre::vsock {

/// Bytes that wait for a slow reader, first in, first out: a ring of fixed capacity whose memory is taken at
/// the first byte and given back whenever it runs empty.
class RingBuffer {
  public:
    explicit RingBuffer(std::size_t capacity) : capacity_(capacity) {}

    bool empty() const { return size_ == 0; }
    std::size_t size() const { return size_; }
    std::size_t room() const { return capacity_ - size_; }

    /// Appends what `source` holds from `offset` bytes on. False, and nothing is appended, if that is more
    /// than room() or there is no memory.
    bool append(std::span<const iovec> source, std::size_t offset);

    /// The content in order, in two pieces; pieces may be empty. Valid until the next change.
    std::array<iovec, 2> content() const;

    /// Drops the first `bytes` bytes, at most size().
    void consume(std::size_t bytes);

    void clear();

  private:
    std::size_t capacity_;
    std::size_t start_ = 0;
    std::size_t size_ = 0;
    std::unique_ptr<std::byte[]> memory_;
};

}  // namespace nacre::vsock
