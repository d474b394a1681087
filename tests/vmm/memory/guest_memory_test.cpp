#include "vmm/memory/guest_memory.h"

#include <doctest/doctest.h>

#include <limits>

using nacre::GuestMemory;
using nacre::MemoryMapping;

namespace {

constexpr std::uint64_t page = 4096;
constexpr std::uint64_t last = std::numeric_limits<std::uint64_t>::max();

GuestMemory::Region region(nacre::GuestAddress start, std::size_t size) {
    return {start, MemoryMapping::anonymous(size).value()};
}

template <class... Regions>
nacre::Result<GuestMemory> memory_of(Regions... regions) {
    std::vector<GuestMemory::Region> list;
    (list.push_back(std::move(regions)), ...);
    return GuestMemory::create(std::move(list));
}

// RAM [0, 2 pages) and [16 pages, 17 pages).
GuestMemory with_hole() {
    return memory_of(region(0, 2 * page), region(16 * page, page)).value();
}

}  // namespace

TEST_CASE("guest memory refuses regions that are not ascending whole pages") {
    CHECK_FALSE(memory_of());
    CHECK_FALSE(memory_of(GuestMemory::Region{0, MemoryMapping()}));
    CHECK_FALSE(memory_of(region(0, 100)));
    CHECK_FALSE(memory_of(region(100, page)));
    CHECK_FALSE(memory_of(region(page, page), region(0, page)));
    CHECK_FALSE(memory_of(region(0, 2 * page), region(page, page)));
    CHECK_FALSE(memory_of(region(last - page + 1, page)));
}

TEST_CASE("a slice outside RAM is an error") {
    const auto memory = with_hole();
    CHECK_FALSE(memory.slice(2 * page, 1));
    CHECK_FALSE(memory.slice(2 * page, 0));
    CHECK_FALSE(memory.slice(17 * page, 1));
    CHECK_FALSE(memory.slice(last, 1));
    CHECK(memory.slice(8 * page, 1).error().message == "guest address 0x8000, 0x1 bytes: not in RAM");
}

TEST_CASE("a slice that leaves its region is an error, also where the sum wraps") {
    const auto memory = with_hole();
    CHECK_FALSE(memory.slice(2 * page - 1, 2));
    CHECK_FALSE(memory.slice(page, 16 * page));
    CHECK_FALSE(memory.slice(0, last));
    CHECK_FALSE(memory.slice(page, last - page + 1));
    CHECK_FALSE(memory.slice(16 * page + 8, last - 8));
}

TEST_CASE("an object that does not fit is neither read nor written") {
    const auto memory = with_hole();
    CHECK_FALSE(memory.read_object<std::uint64_t>(2 * page - 7));
    CHECK_FALSE(memory.write_object(2 * page - 7, std::uint64_t{last}));
    CHECK(memory.read_object<std::uint32_t>(2 * page - 4) == 0U);
}

TEST_CASE("a slice shows the bytes of its region") {
    const auto memory = with_hole();
    CHECK(memory.size() == 3 * page);
    CHECK(memory.slice(0, 2 * page)->size() == 2 * page);
    CHECK(memory.slice(2 * page - 1, 1));
    CHECK(memory.slice(page, 0)->empty());
    memory.slice(16 * page, page).value()[3] = std::byte{7};
    CHECK(memory.regions()[1].mapping.bytes()[3] == std::byte{7});
}

TEST_CASE("regions that touch are two regions: a slice across them is refused") {
    const auto memory = memory_of(region(0, page), region(page, page)).value();
    CHECK(memory.slice(page, page));
    CHECK_FALSE(memory.slice(page - 1, 2));
}

namespace {

// RAM [0, page), and a region of 4 pages at 16 pages that grows.
GuestMemory that_grows() {
    std::vector<GuestMemory::Region> regions;
    regions.push_back(region(0, page));
    return GuestMemory::create(
               std::move(regions),
               GuestMemory::Region{16 * page, MemoryMapping::reserved_aligned(4 * page, page).value()})
        .value();
}

}  // namespace

TEST_CASE("the growing region must lie above the others") {
    std::vector<GuestMemory::Region> regions;
    regions.push_back(region(16 * page, page));
    CHECK_FALSE(GuestMemory::create(std::move(regions), region(0, page)));
}

TEST_CASE("of a region that grows only that is RAM which it has grown to") {
    auto memory = that_grows();
    CHECK_FALSE(memory.slice(16 * page, 1));
    CHECK(memory.size() == page);
    REQUIRE(memory.grow(2 * page));
    CHECK(memory.slice(16 * page, 2 * page));
    CHECK_FALSE(memory.slice(18 * page, 1));
    CHECK_FALSE(memory.slice(17 * page, 2 * page));
    CHECK(memory.size() == 3 * page);
    CHECK(memory.write_object(17 * page, 7));
}

TEST_CASE("a region grows to its end, and never shrinks") {
    auto memory = that_grows();
    REQUIRE(memory.grow(4 * page));
    CHECK_FALSE(memory.grow(5 * page));
    CHECK_FALSE(memory.grow(page));
    CHECK(memory.slice(16 * page, 4 * page));
    auto fixed = with_hole();
    CHECK_FALSE(fixed.grow(page));
    CHECK(fixed.growing_region() == nullptr);
}

TEST_CASE("objects are copied, little-endian, at any alignment") {
    const auto memory = with_hole();
    REQUIRE(memory.write_object(17, std::uint32_t{0x01020304}));
    CHECK(memory.read_object<std::uint8_t>(17) == 4);
    CHECK(memory.read_object<std::uint32_t>(17) == 0x01020304U);
}
