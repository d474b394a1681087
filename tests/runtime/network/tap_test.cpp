#include "runtime/network/tap.h"

#include <doctest/doctest.h>

using namespace nacre::runtime;

TEST_CASE("tap devices are recognised by their names") {
    CHECK(is_tap_name("nacre0"));
    CHECK(is_tap_name("nacre123"));
    for (const auto* name : {"", "nacre", "nacre%d", "nacre0x", "nacr0", "tap0", "xnacre0"})
        CHECK_FALSE(is_tap_name(name));
}
