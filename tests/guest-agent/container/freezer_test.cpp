#include "guest-agent/container/freezer.h"

#include <doctest/doctest.h>

using namespace nacre::agent;

TEST_CASE("only a whole line \"frozen 1\" says that a group is frozen") {
    for (const auto* text :
         {"", "frozen", "frozen 0\n", "frozen 1", "frozen 10\n", "unfrozen 1\n", "populated 1\n"})
        CHECK_FALSE(says_frozen(text));
    CHECK(says_frozen("populated 1\nfrozen 1\n"));
    CHECK(says_frozen("frozen 1\npopulated 0\n"));
}
