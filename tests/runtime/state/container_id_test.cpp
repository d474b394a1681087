#include "runtime/state/container_id.h"

#include <doctest/doctest.h>

#include <string>

using namespace nacre::runtime;

TEST_CASE("names that could leave the root, or are none, are refused in runc's words") {
    for (const auto* id : {"", ".", "..", "a/b", "../x", "a b", "a\n", "\xc3\xa4", "a:b", "a%b"}) {
        CAPTURE(id);
        const auto result = check_container_id(id);
        REQUIRE_FALSE(result);
        CHECK(result.error().message == "invalid container ID format");
    }
    CHECK_FALSE(check_container_id(std::string_view("a\0b", 3)));
}

TEST_CASE("names longer than a directory entry are refused") {
    CHECK(check_container_id(std::string(max_id_length, 'a')));
    CHECK_FALSE(check_container_id(std::string(max_id_length + 1, 'a')));
}

TEST_CASE("what callers use is accepted") {
    for (const auto* id : {"x1", "A_b+c.d-e", "-x", ".hidden", "...", "0"})
        CHECK(check_container_id(id));
}
