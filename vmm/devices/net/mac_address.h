#pragma once

#include <array>
#include <cstdint>
#include <string_view>

#include "vmm/base/result.h"

namespace nacre::net {

using MacAddress = std::array<std::uint8_t, 6>;

/// Reads "02:00:00:00:00:01". Refuses what no interface can have: a group address, and all zeroes.
Result<MacAddress> parse_mac_address(std::string_view text);

}  // namespace nacre::net
