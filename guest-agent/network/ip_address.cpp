#include "guest-agent/network/ip_address.h"

#include <arpa/inet.h>
#include <fmt/format.h>

#include <algorithm>
#include <charconv>

namespace nacre::network {

std::optional<IpAddress> ip_address(std::span<const std::byte> bytes) {
    if (bytes.size() != 4 && bytes.size() != 16)
        return std::nullopt;
    IpAddress address{bytes.size() == 4 ? AF_INET : AF_INET6, {}};
    std::copy(bytes.begin(), bytes.end(), address.storage.begin());
    return address;
}

std::optional<IpAddress> parse_ip_address(const std::string& text) {
    for (const int family : {AF_INET, AF_INET6}) {
        IpAddress address{family, {}};
        // An embedded NUL would end the text early.
        if (text.find('\0') == std::string::npos &&
            ::inet_pton(family, text.c_str(), address.storage.data()) == 1)
            return address;
    }
    return std::nullopt;
}

std::string text_of(const IpAddress& address) {
    std::array<char, INET6_ADDRSTRLEN> text{};
    const auto* written = ::inet_ntop(address.family, address.storage.data(), text.data(), text.size());
    return written == nullptr ? "" : written;
}

IpAddress network_of(const IpAddress& address, unsigned prefix) {
    auto network = address;
    for (unsigned bit = prefix; bit < address.bits(); ++bit)
        network.storage.at(bit / 8) &= ~(std::byte{0x80} >> (bit % 8));
    return network;
}

bool is_ipv6_link_local(const IpAddress& address) {
    return address.family == AF_INET6 && address.storage[0] == std::byte{0xfe} &&
           (address.storage[1] & std::byte{0xc0}) == std::byte{0x80};
}

std::string mac_text(std::span<const std::byte> bytes) {
    if (bytes.size() != 6)
        return {};
    std::string text;
    for (const auto byte : bytes)
        text += fmt::format("{}{:02x}", text.empty() ? "" : ":", std::to_integer<unsigned>(byte));
    return text;
}

std::vector<std::byte> parse_mac(const std::string& text) {
    constexpr std::size_t length = 17;
    std::vector<std::byte> bytes;
    for (std::size_t at = 0; text.size() == length && at < length; at += 3) {
        unsigned value = 0;
        const auto* digits = text.data() + at;
        const auto [end, error] = std::from_chars(digits, digits + 2, value, 16);
        if (error != std::errc() || end != digits + 2 || (at + 2 < length && digits[2] != ':'))
            return {};
        bytes.push_back(static_cast<std::byte>(value));
    }
    return bytes;
}

}  // namespace nacre::network
