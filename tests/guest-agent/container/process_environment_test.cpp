#include "guest-agent/container/process_environment.h"

#include <doctest/doctest.h>

using nacre::agent::complete_environment;
using Environment = std::vector<std::string>;

namespace {

constexpr auto passwd =
    "root:x:0:0:root:/root:/bin/sh\na:x:1000:1000::/home/a:/bin/sh\nb:x:1001:1001:::/bin/sh\n";

}  // namespace

TEST_CASE("HOME is the user's of passwd, or the root directory") {
    CHECK(complete_environment({}, passwd, 0) == Environment{"HOME=/root"});
    CHECK(complete_environment({"A=1"}, passwd, 1000) == Environment{"A=1", "HOME=/home/a"});
    CHECK(complete_environment({}, passwd, 1001) == Environment{"HOME=/"});
    CHECK(complete_environment({}, passwd, 5) == Environment{"HOME=/"});
    CHECK(complete_environment({}, "", 0) == Environment{"HOME=/"});
}

TEST_CASE("the configuration's HOME counts, unless it is empty") {
    CHECK(complete_environment({"HOME=/x", "A=1"}, passwd, 0) == Environment{"HOME=/x", "A=1"});
    CHECK(complete_environment({"HOME=", "A=1"}, passwd, 0) == Environment{"A=1", "HOME=/root"});
    CHECK(complete_environment({"HOME=/x", "HOME="}, passwd, 0) == Environment{"HOME=/root"});
    CHECK(complete_environment({"HOMES=/x"}, passwd, 0) == Environment{"HOMES=/x", "HOME=/root"});
}

TEST_CASE("of several entries of one name the last stays, where it is") {
    CHECK(complete_environment({"A=1", "B=2", "A=", "HOME=/x"}, passwd, 0) ==
          Environment{"B=2", "A=", "HOME=/x"});
    CHECK(complete_environment({"A=1=2", "A=3=4", "HOME=/x"}, passwd, 0) == Environment{"A=3=4", "HOME=/x"});
}
