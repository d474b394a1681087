#include "runtime/commands/byte_size.h"

#include <doctest/doctest.h>

using namespace nacre::commands;

TEST_CASE("what is no size is refused in runc's words") {
    for (const auto* text : {"", "x", "100x", "-2", "--1", "1.2.3", ".", "k", "1kk", "1ibb", "1  k", " 1",
                             "1e3", "9223372036854775808", "8192p", "99999999999999999999999999"}) {
        CAPTURE(text);
        CHECK_FALSE(byte_size(text));
    }
    CHECK(byte_size("100x").error().message == "invalid size: '100x'");
}

TEST_CASE("sizes have units of 1024, and minus one is no limit") {
    CHECK(*byte_size("-1") == -1);
    CHECK(*byte_size("0") == 0);
    CHECK(*byte_size("1048576") == 1048576);
    for (const auto* text : {"2k", "2K", "2kb", "2KiB", "2 kB", "2048b", "2.0k"})
        CHECK(*byte_size(text) == 2048);
    CHECK(*byte_size("1.5m") == 1572864);
    CHECK(*byte_size("1g") == 1 << 30);
    CHECK(*byte_size("4095p") == 4095LL << 50);
}
