#include "vmm/fuse/iovecs.h"

#include <algorithm>
#include <cstring>

namespace nacre::fuse {

std::size_t total_length(std::span<const iovec> iovecs) {
    std::size_t total = 0;
    for (const auto& part : iovecs)
        total += part.iov_len;
    return total;
}

std::vector<iovec> slice(std::span<const iovec> iovecs, std::size_t offset, std::size_t length) {
    std::vector<iovec> result;
    result.reserve(iovecs.size());
    for (const auto& part : iovecs) {
        const std::size_t skipped = std::min(offset, part.iov_len);
        const std::size_t taken = std::min(length, part.iov_len - skipped);
        if (taken > 0)
            result.push_back({static_cast<std::byte*>(part.iov_base) + skipped, taken});
        offset -= skipped;
        length -= taken;
    }
    return result;
}

std::size_t gather(std::span<const iovec> source, std::span<std::byte> target) {
    std::size_t copied = 0;
    for (const auto& part : source) {
        const std::size_t count = std::min(part.iov_len, target.size() - copied);
        if (count > 0)
            std::memcpy(target.data() + copied, part.iov_base, count);
        copied += count;
    }
    return copied;
}

std::size_t scatter(std::span<const std::byte> source, std::span<const iovec> target) {
    std::size_t copied = 0;
    for (const auto& part : target) {
        const std::size_t count = std::min(part.iov_len, source.size() - copied);
        if (count > 0)
            std::memcpy(part.iov_base, source.data() + copied, count);
        copied += count;
    }
    return copied;
}

}  // namespace nacre::fuse
