#include "runtime/state/timestamp.h"

#include <doctest/doctest.h>

using namespace nacre::runtime;

TEST_CASE("times are written in UTC as RFC 3339 has them") {
    CHECK(rfc3339({0, 0}) == "1970-01-01T00:00:00Z");
    CHECK(rfc3339({1700000000, 5}) == "2023-11-14T22:13:20Z");
    CHECK(rfc3339_nano({1700000000, 5}) == "2023-11-14T22:13:20.000000005Z");
}
