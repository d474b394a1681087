#include "vmm/devices/virtio/iovecs.h"

#include <algorithm>

namespace nacre::virtio {

std::size_t total_bytes(std::span<const iovec> pieces) {
    std::size_t total = 0;
    for (const iovec& piece : pieces)
        total += piece.iov_len;
    return total;
}

std::size_t append_part(std::span<const iovec> pieces, std::size_t offset, std::size_t length,
                        std::vector<iovec>& target) {
    std::size_t appended = 0;
    for (const iovec& piece : pieces) {
        const std::size_t skipped = std::min(offset, piece.iov_len);
        offset -= skipped;
        const std::size_t taken = std::min(piece.iov_len - skipped, length - appended);
        if (taken == 0)
            continue;
        target.push_back({static_cast<std::byte*>(piece.iov_base) + skipped, taken});
        appended += taken;
    }
    return appended;
}

}  // namespace nacre::virtio
