#include "guest-agent/container/rlimits.h"

#include <doctest/doctest.h>
#include <sys/resource.h>

using namespace nacre::agent;

TEST_CASE("names of limits") {
    CHECK_FALSE(rlimit_number(""));
    CHECK_FALSE(rlimit_number("NOFILE"));
    CHECK_FALSE(rlimit_number("RLIMIT_NONSENSE"));
    CHECK(rlimit_number("RLIMIT_NOFILE") == RLIMIT_NOFILE);
    CHECK(rlimit_number("RLIMIT_RTTIME") == RLIMIT_RTTIME);
}
