#include "runtime/commands/table.h"

#include <doctest/doctest.h>

using namespace nacre::commands;

TEST_CASE("columns are at least 12 wide, as wide as the widest cell and three, and the last is not padded") {
    CHECK(format_table({{"ID", "PID", "OWNER"}, {"a-rather-long-id", "0", "root"}}) ==
          "ID                 PID         OWNER\n"
          "a-rather-long-id   0           root\n");
    CHECK(format_table({}).empty());
}
