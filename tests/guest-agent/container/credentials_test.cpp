#include "guest-agent/container/credentials.h"

#include <doctest/doctest.h>

using nacre::agent::home_directory;

TEST_CASE("malformed passwd lines are passed over") {
    CHECK_FALSE(home_directory("", 0));
    CHECK_FALSE(home_directory("root", 0));
    CHECK_FALSE(home_directory("root:x", 0));
    CHECK_FALSE(home_directory("root:x::0::/root:/bin/sh", 0));
    CHECK_FALSE(home_directory("root:x:0x:0::/root:/bin/sh", 0));
    CHECK_FALSE(home_directory("root:x:-1:0::/root:/bin/sh", 4294967295u));
    CHECK_FALSE(home_directory("root:x:4294967296:0::/root:/bin/sh", 0));
    CHECK(home_directory("::::\n\nroot:x:0:0::/root", 0) == "/root");
}

TEST_CASE("the first line of that uid counts") {
    const auto* passwd = "root:x:0:0:root:/root:/bin/sh\na:x:1000:1000:A,,,:/home/a:/bin/sh\nb:x:1000:1:::\n";
    CHECK(home_directory(passwd, 0) == "/root");
    CHECK(home_directory(passwd, 1000) == "/home/a");
    CHECK_FALSE(home_directory(passwd, 1));
}
