#include "guest-agent/protocol/frame.h"

#include <endian.h>

#include <algorithm>
#include <cstring>

namespace nacre::protocol {

namespace {

constexpr std::size_t header_bytes = sizeof(std::uint32_t);

/// The length in a header; `buffer` holds at least a header.
std::uint32_t payload_length(const std::string& buffer) {
    std::uint32_t length = 0;
    std::memcpy(&length, buffer.data(), header_bytes);
    return le32toh(length);
}

}  // namespace

Result<std::string> frame(std::string_view payload) {
    if (payload.size() > max_frame_bytes)
        return fail("message of {} bytes is longer than the {} allowed", payload.size(), max_frame_bytes);
    const std::uint32_t length = htole32(static_cast<std::uint32_t>(payload.size()));
    std::string bytes(header_bytes, '\0');
    std::memcpy(bytes.data(), &length, header_bytes);
    bytes.append(payload);
    return bytes;
}

Result<void> FrameReader::add(std::span<const std::byte> bytes) {
    if (bytes.size() > header_bytes + max_frame_bytes - buffer_.size())
        return fail("more bytes received than one message may have");
    buffer_.append(reinterpret_cast<const char*>(bytes.data()), bytes.size());
    if (buffer_.size() >= header_bytes && payload_length(buffer_) > max_frame_bytes)
        return fail("message of {} bytes announced, {} allowed", payload_length(buffer_), max_frame_bytes);
    return {};
}

std::optional<std::string> FrameReader::next() {
    if (buffer_.size() < header_bytes)
        return std::nullopt;
    const std::size_t length = payload_length(buffer_);
    if (buffer_.size() - header_bytes < length)
        return std::nullopt;
    auto payload = buffer_.substr(header_bytes, length);
    buffer_.erase(0, header_bytes + length);
    return payload;
}

std::size_t FrameReader::wanted() const {
    if (buffer_.size() < header_bytes)
        return header_bytes - buffer_.size();
    const std::size_t whole = header_bytes + payload_length(buffer_);
    return std::max<std::size_t>(1, whole - std::min(whole, buffer_.size()));
}

}  // namespace nacre::protocol
