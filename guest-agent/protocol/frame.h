#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "vmm/base/result.h"

namespace nacre::protocol {

/// A frame is a 32-bit little-endian length and that many bytes of JSON. Longer ones are refused by both
/// sides before anything is allocated for them.
constexpr std::uint32_t max_frame_bytes = 4 * 1024 * 1024;

/// The frame that carries `payload`; payloads over max_frame_bytes are an error.
Result<std::string> frame(std::string_view payload);

/// Takes bytes as they arrive and gives whole payloads. Holds at most one frame and its header.
class FrameReader {
  public:
    /// Adds received bytes. An error (a length over the limit) ends the connection.
    Result<void> add(std::span<const std::byte> bytes);

    /// The next whole payload, if it has arrived.
    std::optional<std::string> next();

    /// How many bytes are missing to finish the frame now being read (at least 1): reading no more than this
    /// leaves raw bytes that follow the frame in the socket.
    std::size_t wanted() const;

  private:
    std::string buffer_;
};

}  // namespace nacre::protocol
