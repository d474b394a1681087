#include "vmm/machine/serial_port.h"

#include <doctest/doctest.h>

#include <string_view>

using nacre::machine::SerialPort;

namespace {

void send(SerialPort& port, std::string_view text) {
    port.transmit(std::as_bytes(std::span(text)));
}

}  // namespace

TEST_CASE("text comes through, and nothing that would steer a terminal") {
    SerialPort port;
    send(port, std::string_view("\x01\0Kernel\x1b panic\r\n\xff", 18));
    CHECK(port.text() == "Kernel panic\n");
}

TEST_CASE("the last bytes are kept, however many come") {
    SerialPort port;
    for (int line = 0; line < 10000; ++line)
        send(port, std::to_string(line) + "\n");
    CHECK(port.text().size() == SerialPort::max_bytes);
    CHECK(port.text().ends_with("9998\n9999\n"));
    send(port, std::string(3 * SerialPort::max_bytes, 'x'));
    CHECK(port.text() == std::string(SerialPort::max_bytes, 'x'));
}
