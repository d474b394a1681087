#pragma once

#include <sys/uio.h>

#include <cstddef>
#include <span>
#include <vector>

namespace nacre::virtio {

/// Bytes that `pieces` hold together.
std::size_t total_bytes(std::span<const iovec> pieces);

/// Appends to `target` the part [offset, offset + length) of `pieces`, as far as there is any; returns its
/// bytes. Empty pieces are left out.
std::size_t append_part(std::span<const iovec> pieces, std::size_t offset, std::size_t length,
                        std::vector<iovec>& target);

}  // namespace nacre::virtio
