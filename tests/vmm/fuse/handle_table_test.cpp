#include "vmm/fuse/handle_table.h"

#include <doctest/doctest.h>

using nacre::fuse::HandleTable;

TEST_CASE("numbers that were never given find nothing") {
    HandleTable<int> table(4);
    table.insert(std::make_shared<int>(1)).value();
    for (const std::uint64_t guess : {0ULL, 1ULL, 2ULL << 32, 1ULL << 32 | 1, ~0ULL}) {
        CHECK(table.find(guess).error().value == EBADF);
        CHECK(table.remove(guess).error().value == EBADF);
    }
}

TEST_CASE("a released number stays invalid when its slot is used again") {
    HandleTable<int> table(4);
    const auto first = table.insert(std::make_shared<int>(1)).value();
    CHECK(table.remove(first));
    const auto second = table.insert(std::make_shared<int>(2)).value();
    CHECK(first != second);
    CHECK_FALSE(table.find(first));
    CHECK_FALSE(table.remove(first));
    CHECK(*table.find(second).value() == 2);
}

TEST_CASE("there are no more handles than the limit") {
    HandleTable<int> table(2);
    table.insert(std::make_shared<int>(1)).value();
    const auto second = table.insert(std::make_shared<int>(2)).value();
    CHECK(table.insert(std::make_shared<int>(3)).error().value == ENFILE);
    CHECK(table.remove(second));
    CHECK(table.insert(std::make_shared<int>(3)));
}

TEST_CASE("an object in use outlives its number") {
    HandleTable<int> table(2);
    const auto number = table.insert(std::make_shared<int>(7)).value();
    const auto object = table.find(number).value();
    CHECK(table.remove(number));
    CHECK(*object == 7);
}

TEST_CASE("clearing invalidates every number and frees all room") {
    HandleTable<int> table(1);
    const auto number = table.insert(std::make_shared<int>(7)).value();
    table.clear();
    CHECK_FALSE(table.find(number));
    CHECK(table.size() == 0);
    CHECK(table.insert(std::make_shared<int>(8)));
}
