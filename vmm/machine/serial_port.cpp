#include "vmm/machine/serial_port.h"

namespace nacre::machine {

namespace {

/// The divisor of the line's speed comes through the same port, and carriage returns with each line.
bool is_text(char character) {
    return character == '\n' || (character >= ' ' && character <= '~');
}

}  // namespace

void SerialPort::transmit(std::span<const std::byte> bytes) {
    const std::lock_guard lock(mutex_);
    for (const auto byte : bytes) {
        if (const char character = static_cast<char>(byte); is_text(character))
            text_ += character;
    }
    if (text_.size() > 2 * max_bytes)
        text_.erase(0, text_.size() - max_bytes);
}

std::string SerialPort::text() const {
    const std::lock_guard lock(mutex_);
    return text_.size() > max_bytes ? text_.substr(text_.size() - max_bytes) : text_;
}

}  // namespace nacre::machine
