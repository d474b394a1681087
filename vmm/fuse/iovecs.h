#pragma once

#include <sys/uio.h>

#include <cstddef>
#include <span>
#include <vector>

namespace nacre::fuse {

/// Bytes in all of `iovecs`.
std::size_t total_length(std::span<const iovec> iovecs);

/// The part of `iovecs` that starts `offset` bytes in and is at most `length` bytes long.
std::vector<iovec> slice(std::span<const iovec> iovecs, std::size_t offset, std::size_t length);

/// Copies as much as both sides allow; returns how much that was.
std::size_t gather(std::span<const iovec> source, std::span<std::byte> target);
std::size_t scatter(std::span<const std::byte> source, std::span<const iovec> target);

}  // namespace nacre::fuse
