#pragma once

#include <string>

#include "vmm/devices/net/protocol.h"

namespace nacre::net::fake {

template <class T>
std::string bytes_of(const T& object) {
    return {reinterpret_cast<const char*>(&object), sizeof object};
}

/// `size` bytes that differ from place to place.
inline std::string frame(std::size_t size) {
    std::string bytes(size, '\0');
    for (std::size_t i = 0; i < size; ++i)
        bytes[i] = static_cast<char>(i % 251);
    return bytes;
}

/// The header of a frame that needs nothing done to it.
inline std::string plain() {
    return bytes_of(FrameHeader{});
}

/// The header as the driver finds it before a frame in `buffers` buffers.
inline std::string received(std::uint16_t buffers) {
    FrameHeader header{};
    header.num_buffers = buffers;
    return bytes_of(header);
}

}  // namespace nacre::net::fake
