#include "runtime/oci/cpu_weight.h"

#include <doctest/doctest.h>

#include <cstdint>

using nacre::oci::cpu_weight;

TEST_CASE("shares become weights, with the defaults on each other") {
    CHECK(cpu_weight(0) == 1);
    CHECK(cpu_weight(2) == 1);
    CHECK(cpu_weight(3) == 2);
    CHECK(cpu_weight(512) == 59);
    CHECK(cpu_weight(1024) == 100);
    CHECK(cpu_weight(262'144) == 10'000);
    CHECK(cpu_weight(UINT64_MAX) == 10'000);
}
