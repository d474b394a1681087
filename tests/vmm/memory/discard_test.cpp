#include "vmm/memory/discard.h"

#include <doctest/doctest.h>
#include <sys/mman.h>

#include <algorithm>
#include <array>

#include "vmm/base/memory_mapping.h"

using nacre::discard;
using nacre::MemoryMapping;

namespace {

constexpr std::size_t page = 4096;

/// Whether the page at `memory` takes memory of the host.
bool is_resident(std::span<std::byte> memory) {
    std::array<unsigned char, 1> state{};
    REQUIRE(::mincore(memory.data(), page, state.data()) == 0);
    return (state[0] & 1) != 0;
}

}  // namespace

TEST_CASE("less than a whole page is left, whatever its place") {
    const auto mapping = MemoryMapping::anonymous(2 * page).value();
    std::ranges::fill(mapping.bytes(), std::byte{1});
    CHECK(discard({}));
    CHECK(discard(mapping.bytes().first(page - 1)));
    CHECK(discard(mapping.bytes().subspan(1, 2 * page - 2)));
    CHECK(std::ranges::count(mapping.bytes(), std::byte{1}) == 2 * page);
}

TEST_CASE("memory that is not mapped is an error") {
    const auto gone = [] { return MemoryMapping::anonymous(page).value().bytes(); }();
    CHECK_FALSE(discard(gone));
}

TEST_CASE("whole pages are taken from the process and read as zeroes") {
    const auto mapping = MemoryMapping::anonymous(4 * page).value();
    std::ranges::fill(mapping.bytes(), std::byte{1});
    CHECK(discard(mapping.bytes().subspan(1, 3 * page)));
    CHECK(is_resident(mapping.bytes()));
    CHECK_FALSE(is_resident(mapping.bytes().subspan(page)));
    CHECK_FALSE(is_resident(mapping.bytes().subspan(2 * page)));
    CHECK(is_resident(mapping.bytes().subspan(3 * page)));
    CHECK(mapping.bytes()[page] == std::byte{0});
}
