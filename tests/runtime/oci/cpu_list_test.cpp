#include "runtime/oci/cpu_list.h"

#include <doctest/doctest.h>

using namespace nacre::oci;

TEST_CASE("what is not a list of CPUs is refused") {
    for (const auto* list : {"", ",", "1,", "-1", "3-1", "1-", "a", "1 2", "1024", "0-99999999999"})
        CHECK_MESSAGE(!parse_cpu_list(list), list);
}

TEST_CASE("numbers and ranges, in any order") {
    CHECK(parse_cpu_list("7").value() == std::vector{7U});
    CHECK(parse_cpu_list("4,0-2").value() == std::vector{4U, 0U, 1U, 2U});
}
