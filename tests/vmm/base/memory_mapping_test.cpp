#include "vmm/base/memory_mapping.h"

#include <doctest/doctest.h>
#include <sys/mman.h>

using namespace nacre;

TEST_CASE("a mapping of nothing and one of too much are errors") {
    CHECK_FALSE(MemoryMapping::anonymous(0).has_value());
    CHECK_FALSE(MemoryMapping::anonymous(SIZE_MAX / 2).has_value());
    CHECK_FALSE(MemoryMapping::file(-1, 0, 4096, PROT_READ, MAP_PRIVATE).has_value());
}

TEST_CASE("anonymous memory is zero and writable") {
    const auto mapping = MemoryMapping::anonymous(8192).value();
    CHECK(mapping.bytes().size() == 8192);
    CHECK(mapping.bytes()[8191] == std::byte{0});
    mapping.bytes()[8191] = std::byte{1};
    CHECK(mapping.bytes()[8191] == std::byte{1});
}

TEST_CASE("reserved memory is usable as far as it was made so, and aligned") {
    constexpr std::size_t alignment = 2 << 20;
    const auto mapping = MemoryMapping::reserved_aligned(4 * alignment, alignment).value();
    CHECK(mapping.size() == 4 * alignment);
    CHECK(reinterpret_cast<std::uintptr_t>(mapping.bytes().data()) % alignment == 0);
    CHECK_FALSE(mapping.make_accessible(5 * alignment));
    REQUIRE(mapping.make_accessible(4096));
    mapping.bytes()[4095] = std::byte{1};
    REQUIRE(mapping.make_accessible(8192));
    CHECK(mapping.bytes()[4095] == std::byte{1});
    CHECK(mapping.bytes()[8191] == std::byte{0});
}

TEST_CASE("a moved mapping has one owner") {
    auto first = MemoryMapping::anonymous(4096).value();
    const auto second = std::move(first);
    CHECK(first.size() == 0);
    CHECK(second.size() == 4096);
    second.bytes()[0] = std::byte{7};
}
