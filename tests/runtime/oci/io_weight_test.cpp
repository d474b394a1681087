#include "runtime/oci/io_weight.h"

#include <doctest/doctest.h>

#include <cstdint>

using nacre::oci::io_weight;

TEST_CASE("weights of block I/O lie on the line that runc uses") {
    CHECK(io_weight(0) == 1);
    CHECK(io_weight(10) == 1);
    CHECK(io_weight(500) == 4950);
    CHECK(io_weight(750) == 7475);
    CHECK(io_weight(1000) == 10'000);
    CHECK(io_weight(UINT64_MAX) == 10'000);
}
