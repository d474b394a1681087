#pragma once

#include <cstddef>
#include <cstdint>
#include <mutex>
#include <span>
#include <string>

namespace nacre::machine {

/// The transmitter of a PC's first serial port, 8250 (Linux: earlyprintk=serial): what the guest's kernel
/// says while it has no console yet, which is nothing unless it panics. Reads of its registers are nobody's:
/// all ones, "ready to send". Keeps the last bytes only. Safe from any thread.
class SerialPort {
  public:
    static constexpr std::uint16_t transmit_port = 0x3f8;
    static constexpr std::size_t max_bytes = 4096;

    void transmit(std::span<const std::byte> bytes);

    /// The text so far: printable characters and line feeds.
    std::string text() const;

  private:
    mutable std::mutex mutex_;
    std::string text_;
};

}  // namespace nacre::machine
