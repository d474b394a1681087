#include "vmm/devices/net/mac_address.h"

#include <doctest/doctest.h>

using namespace nacre::net;

TEST_CASE("what is no MAC address is refused") {
    for (const auto* text :
         {"", "02", "02:00:00:00:00", "02:00:00:00:00:01:", "02:00:00:00:00:01:02", "02-00-00-00-00-01",
          "02:00:00:00:00:0g", "02:00:00:00:00: 1", "02:00:00:00:00:-1", "0x:00:00:00:00:01",
          "2:0:0:0:0:1......", "020:0:00:00:00:01"}) {
        CAPTURE(text);
        CHECK_FALSE(parse_mac_address(text));
    }
}

TEST_CASE("an address of many interfaces, or of none, is refused") {
    CHECK_FALSE(parse_mac_address("ff:ff:ff:ff:ff:ff"));
    CHECK_FALSE(parse_mac_address("01:00:5e:00:00:01"));
    CHECK_FALSE(parse_mac_address("00:00:00:00:00:00"));
}

TEST_CASE("an address is six bytes, in either case") {
    CHECK(parse_mac_address("02:1a:FF:00:9c:01").value() == MacAddress{0x02, 0x1a, 0xff, 0x00, 0x9c, 0x01});
}
