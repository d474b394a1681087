#include "vmm/base/printable.h"

#include <doctest/doctest.h>

using nacre::printable;

TEST_CASE("control characters lose their meaning") {
    CHECK(printable("\x1b[2Jgone\r\nlevel=info\tx\x7f", 100) == "?[2Jgone??level=info?x?");
    CHECK(printable(std::string_view("a\0b", 3), 100) == "a?b");
    CHECK(printable("\xc2\x9b", 100) == "\xc2?");
}

TEST_CASE("other text stays, whatever its language") {
    CHECK(printable("exec: \"/bin/gr\xc3\xbc\xc3\x9f\": not found", 100) == "exec: \"/bin/gr\xc3\xbc\xc3\x9f\": not found");
    CHECK(printable("\xc2\xa0", 100) == "\xc2\xa0");
}

TEST_CASE("no more than the limit is shown") {
    CHECK(printable("abcdef", 3) == "abc");
    CHECK(printable("", 3).empty());
}
