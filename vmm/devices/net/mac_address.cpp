#include "vmm/devices/net/mac_address.h"

#include <charconv>

namespace nacre::net {

namespace {

constexpr std::size_t text_length = 17;

bool read_byte(std::string_view digits, std::uint8_t& byte) {
    const auto* const end = digits.data() + digits.size();
    const auto result = std::from_chars(digits.data(), end, byte, 16);
    return result.ec == std::errc() && result.ptr == end;
}

bool read(std::string_view text, MacAddress& address) {
    if (text.size() != text_length)
        return false;
    for (std::size_t i = 0; i < address.size(); ++i) {
        if (!read_byte(text.substr(3 * i, 2), address[i]) || (i != 0 && text[3 * i - 1] != ':'))
            return false;
    }
    return true;
}

}  // namespace

Result<MacAddress> parse_mac_address(std::string_view text) {
    MacAddress address{};
    if (!read(text, address))
        return fail_with(EINVAL, "MAC address \"{}\": not of the form 02:00:00:00:00:01", text);
    if ((address[0] & 1) != 0 || address == MacAddress{})
        return fail_with(EINVAL, "MAC address \"{}\": not that of one interface", text);
    return address;
}

}  // namespace nacre::net
