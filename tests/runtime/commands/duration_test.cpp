#include "runtime/commands/duration.h"

#include <doctest/doctest.h>

using namespace nacre::commands;

TEST_CASE("what is no duration of Go's is refused") {
    for (const auto* text :
         {"", "x", "5", "s", "5x", "5s5", "1.2.3s", ".s", "-", "5 s", "99999999999h", "1e3s"}) {
        CAPTURE(text);
        CHECK_FALSE(duration_ms(text));
    }
}

TEST_CASE("durations are sums of numbers with units") {
    CHECK(*duration_ms("0") == 0);
    CHECK(*duration_ms("0s") == 0);
    CHECK(*duration_ms("5s") == 5000);
    CHECK(*duration_ms("1m30s") == 90'000);
    CHECK(*duration_ms("1.5h") == 5'400'000);
    CHECK(*duration_ms("200ms") == 200);
    CHECK(*duration_ms("1s1500us") == 1001);
    CHECK(*duration_ms("-5s") == -5000);
}
