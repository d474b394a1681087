#include "guest-agent/network/ip_address.h"

#include <doctest/doctest.h>

using namespace nacre::network;

namespace {

std::string network_text(const char* address, unsigned prefix) {
    return text_of(network_of(*parse_ip_address(address), prefix));
}

}  // namespace

TEST_CASE("what is no address is refused") {
    for (const auto* text :
         {"", "1", "1.2.3", "1.2.3.4.5", "1.2.3.256", "1.2.3.4/24", ":", "1::2::3", "fe80::1%eth0", " ::1"})
        CHECK_FALSE(parse_ip_address(text));
    CHECK_FALSE(parse_ip_address(std::string("1.2.3.4\0x", 9)));
    for (const std::size_t size : {std::size_t{0}, std::size_t{3}, std::size_t{5}, std::size_t{15}, std::size_t{17}}) {
        const std::vector<std::byte> bytes(size);
        CHECK_FALSE(ip_address(bytes));
    }
}

TEST_CASE("addresses go there and back") {
    for (const auto* text : {"0.0.0.0", "10.1.2.3", "::", "fd00::5", "fe80::ff:fe00:1"}) {
        const auto address = parse_ip_address(text);
        REQUIRE(address);
        CHECK(text_of(*address) == text);
        CHECK(*ip_address(address->bytes()) == *address);
    }
}

TEST_CASE("the network of an address has the bits of the prefix alone") {
    CHECK(network_text("10.255.255.255", 0) == "0.0.0.0");
    CHECK(network_text("10.255.255.255", 12) == "10.240.0.0");
    CHECK(network_text("10.255.255.255", 32) == "10.255.255.255");
    CHECK(network_text("10.255.255.255", 255) == "10.255.255.255");
    CHECK(network_text("fd12:3456:789a::1", 33) == "fd12:3456::");
    CHECK(network_text("fd12::1", 128) == "fd12::1");
}

TEST_CASE("IPv6 link-local addresses are those of fe80::/10") {
    CHECK(is_ipv6_link_local(*parse_ip_address("fe80::1")));
    CHECK(is_ipv6_link_local(*parse_ip_address("febf::1")));
    CHECK_FALSE(is_ipv6_link_local(*parse_ip_address("fec0::1")));
    CHECK_FALSE(is_ipv6_link_local(*parse_ip_address("169.254.1.1")));
}

TEST_CASE("Ethernet addresses") {
    for (const auto* text : {"", "02:00:00:00:00", "02:00:00:00:00:1", "02-00-00-00-00-01",
                             "02:00:00:00:00:0g", "02:00:00:00:00:01:", "+2:00:00:00:00:01"})
        CHECK(parse_mac(text).empty());
    CHECK(mac_text(parse_mac("02:00:5e:aB:00:01")) == "02:00:5e:ab:00:01");
    CHECK(mac_text(std::vector<std::byte>(20)).empty());
}
