#include "vmm/base/result.h"

#include <doctest/doctest.h>

using namespace nacre;

namespace {

Result<int> half(int number) {
    if (number % 2 != 0)
        return fail("halve {}: it is odd", number);
    return number / 2;
}

Result<int> quarter(int number) {
    NACRE_ASSIGN(const int first, half(number));
    NACRE_ASSIGN(const int second, half(first));
    return second;
}

Result<void> check_even(int number) {
    NACRE_TRY(half(number));
    return {};
}

}  // namespace

TEST_CASE("an error with an errno ends in its text and keeps its number") {
    const Result<void> result = fail_with(ENOENT, "open {}", "/x");
    REQUIRE_FALSE(result.has_value());
    CHECK(result.error().message == "open /x: No such file or directory");
    CHECK(result.error().code == ENOENT);
}

TEST_CASE("context goes in front and the errno stays") {
    const Result<void> result = add_context(Error{"open /x: No such file or directory", ENOENT}, "rootfs");
    CHECK(result.error().message == "rootfs: open /x: No such file or directory");
    CHECK(result.error().code == ENOENT);
}

TEST_CASE("NACRE_ASSIGN and NACRE_TRY leave with the first error") {
    CHECK(quarter(8).value() == 2);
    CHECK(quarter(6).error().message == "halve 3: it is odd");
    CHECK(check_even(2).has_value());
    CHECK(check_even(3).error().message == "halve 3: it is odd");
}
