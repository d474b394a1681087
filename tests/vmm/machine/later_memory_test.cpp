#include "vmm/machine/later_memory.h"

#include <doctest/doctest.h>

namespace nacre::machine {
namespace {

constexpr std::uint64_t mebibyte = 1 << 20;
constexpr std::uint64_t fixed = 112 * mebibyte;
constexpr std::uint64_t region = 256 * mebibyte;

struct Fixture {
    std::unique_ptr<EventLoop> loop = EventLoop::create().value();
    Log log{-1, LogLevel::error, 0};
    MemoryMapping memory = MemoryMapping::anonymous(region).value();
    mem::Device device{
        *loop, {std::uint64_t{4} << 30, memory.bytes(), [](std::uint64_t) { return Result<void>(); }}, log};
    LaterMemory later{fixed, &device};
};

TEST_CASE_FIXTURE(Fixture, "less than at the start and more than the region become what is possible") {
    REQUIRE(later.resize(UINT64_MAX));
    CHECK(device.requested_bytes() == region);
    REQUIRE(later.resize(0));
    CHECK(device.requested_bytes() == 0);
    REQUIRE(later.resize(fixed - 1));
    CHECK(device.requested_bytes() == 0);
}

TEST_CASE_FIXTURE(Fixture, "sizes are in all, and rounded up to whole blocks") {
    REQUIRE(later.resize(fixed + region));
    CHECK(device.requested_bytes() == region);
    REQUIRE(later.resize(fixed + 1));
    CHECK(device.requested_bytes() == mem::Blocks::size);
    CHECK(later.requested_bytes() == fixed + mem::Blocks::size);
    CHECK(later.bytes() == fixed);
    REQUIRE(later.resize(fixed));
    CHECK(device.requested_bytes() == 0);
}

TEST_CASE("a VM of a fixed size has that and nothing else") {
    const LaterMemory later(fixed, nullptr);
    CHECK(later.resize(fixed));
    CHECK(later.resize(fixed + 1));
    CHECK(later.bytes() == fixed);
    CHECK(later.requested_bytes() == fixed);
}

}  // namespace
}  // namespace nacre::machine
