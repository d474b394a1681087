#include "vmm/bus/bus.h"

#include <doctest/doctest.h>

#include <array>
#include <limits>

using nacre::Bus;

namespace {

constexpr std::uint64_t last = std::numeric_limits<std::uint64_t>::max();

class Recorder final : public nacre::BusHandler {
  public:
    void read(std::uint64_t offset, std::span<std::byte> data) override {
        offsets.push_back(offset);
        data[0] = std::byte{0x42};
    }
    void write(std::uint64_t offset, std::span<const std::byte> data) override {
        offsets.push_back(offset);
        written.assign(data.begin(), data.end());
    }
    std::vector<std::uint64_t> offsets;
    std::vector<std::byte> written;
};

}  // namespace

TEST_CASE("a range that is empty, wraps or overlaps is refused") {
    Recorder handler;
    Bus bus;
    CHECK_FALSE(bus.add(0x1000, 0, handler));
    CHECK_FALSE(bus.add(last, 2, handler));
    REQUIRE(bus.add(0x1000, 0x100, handler));
    CHECK_FALSE(bus.add(0x1000, 0x100, handler));
    CHECK_FALSE(bus.add(0x10ff, 1, handler));
    CHECK_FALSE(bus.add(0xfff, 2, handler));
    CHECK_FALSE(bus.add(0, last, handler));
    CHECK(bus.add(0x1100, 1, handler));
    CHECK(bus.add(0xfff, 1, handler));
    CHECK(bus.add(last, 1, handler));
}

TEST_CASE("an access that no range holds in whole reads as ones and is written nowhere") {
    Recorder handler;
    Bus bus;
    REQUIRE(bus.add(0x1000, 0x10, handler));
    for (const std::uint64_t address :
         {std::uint64_t{0}, std::uint64_t{0xffe}, std::uint64_t{0x100e}, std::uint64_t{0x1010}, last}) {
        std::array<std::byte, 4> data{};
        CHECK_FALSE(bus.read(address, data));
        CHECK(data == std::array{std::byte{0xff}, std::byte{0xff}, std::byte{0xff}, std::byte{0xff}});
        CHECK_FALSE(bus.write(address, data));
    }
    CHECK(handler.offsets.empty());
}

TEST_CASE("the handler gets offsets from its own range's start") {
    Recorder low;
    Recorder high;
    Bus bus;
    REQUIRE(bus.add(0x2000, 0x10, high));
    REQUIRE(bus.add(0x1000, 0x10, low));
    std::array<std::byte, 8> data{};
    CHECK(bus.read(0x1008, data));
    CHECK(data[0] == std::byte{0x42});
    CHECK(bus.write(0x200f, std::span(data).first(1)));
    CHECK(low.offsets == std::vector<std::uint64_t>{8});
    CHECK(high.offsets == std::vector<std::uint64_t>{15});
    CHECK(high.written == std::vector{std::byte{0x42}});
}
