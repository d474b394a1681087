#pragma once

#include <sys/socket.h>

#include <array>
#include <optional>
#include <span>
#include <string>
#include <vector>

namespace nacre::network {

/// An IPv4 or IPv6 address, in network byte order.
struct IpAddress {
    int family = AF_UNSPEC;
    std::array<std::byte, 16> storage{};

    std::span<const std::byte> bytes() const { return std::span(storage).first(family == AF_INET ? 4 : 16); }
    unsigned bits() const { return family == AF_INET ? 32 : 128; }
    bool operator==(const IpAddress&) const = default;
};

/// 4 or 16 bytes; none for another number of them.
std::optional<IpAddress> ip_address(std::span<const std::byte> bytes);

/// inet_pton(3) of either family; none for what is no address.
std::optional<IpAddress> parse_ip_address(const std::string& text);

/// As inet_ntop(3) writes it.
std::string text_of(const IpAddress& address);

/// The address with all bits after the first `prefix` cleared.
IpAddress network_of(const IpAddress& address, unsigned prefix);

/// Whether it is one of fe80::/10 (RFC 4291, 2.5.6).
bool is_ipv6_link_local(const IpAddress& address);

/// An Ethernet address: "02:00:00:00:00:01", and its six bytes; empty for anything else.
std::string mac_text(std::span<const std::byte> bytes);
std::vector<std::byte> parse_mac(const std::string& text);

}  // namespace nacre::network
