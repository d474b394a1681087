#include "vmm/devices/mem/blocks.h"

#include <doctest/doctest.h>

using namespace nacre;
using mem::Blocks;

namespace {

constexpr GuestAddress start = std::uint64_t{4} << 30;
constexpr std::uint64_t last = UINT64_MAX;

}  // namespace

TEST_CASE("what does not lie in the usable part, block for block, is not found") {
    const Blocks blocks(start, 8 * Blocks::size);
    constexpr auto usable = 4 * Blocks::size;
    CHECK_FALSE(blocks.find(start - Blocks::size, 1, usable));
    CHECK_FALSE(blocks.find(0, 1, usable));
    CHECK_FALSE(blocks.find(last, 1, usable));
    CHECK_FALSE(blocks.find(start + 1, 1, usable));
    CHECK_FALSE(blocks.find(start + 4096, 1, usable));
    CHECK_FALSE(blocks.find(start, 0, usable));
    CHECK_FALSE(blocks.find(start, 5, usable));
    CHECK_FALSE(blocks.find(start, last, usable));
    CHECK_FALSE(blocks.find(start + 3 * Blocks::size, 2, usable));
    CHECK_FALSE(blocks.find(start + 4 * Blocks::size, 1, usable));
    CHECK_FALSE(blocks.find(start, 1, 0));
    CHECK_FALSE(blocks.find(start + 8 * Blocks::size, 1, last));
    CHECK_FALSE(blocks.find(start, 9, last));
}

TEST_CASE("blocks of the usable part are found by their address") {
    const Blocks blocks(start, 8 * Blocks::size);
    const auto range = blocks.find(start + Blocks::size, 3, 4 * Blocks::size);
    REQUIRE(range);
    CHECK(range->first == 1);
    CHECK(range->count == 3);
    CHECK(blocks.find(start, 8, 8 * Blocks::size));
}

TEST_CASE("blocks are plugged and unplugged, and counted") {
    Blocks blocks(start, 8 * Blocks::size);
    CHECK(blocks.plugged_bytes() == 0);
    CHECK(blocks.state({0, 8}) == Blocks::State::unplugged);
    blocks.plug({1, 3});
    CHECK(blocks.plugged_bytes() == 3 * Blocks::size);
    CHECK(blocks.state({1, 3}) == Blocks::State::plugged);
    CHECK(blocks.state({0, 2}) == Blocks::State::mixed);
    CHECK(blocks.state({0, 1}) == Blocks::State::unplugged);
    blocks.unplug({2, 1});
    CHECK(blocks.state({1, 3}) == Blocks::State::mixed);
    CHECK(blocks.plugged_bytes() == 2 * Blocks::size);
}
