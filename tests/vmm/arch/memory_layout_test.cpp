#include "vmm/arch/memory_layout.h"

#include <doctest/doctest.h>

namespace nacre::arch {
namespace {

TEST_CASE("RAM below the hole is one range from 0") {
    const auto ranges = ram_ranges(128 * kMebibyte);
    REQUIRE(ranges.size() == 1);
    CHECK(ranges[0].start == 0);
    CHECK(ranges[0].size == 128 * kMebibyte);
}

TEST_CASE("3 GiB of RAM fill the space below the hole exactly") {
    const auto ranges = ram_ranges(3 * kGibibyte);
    REQUIRE(ranges.size() == 1);
    CHECK(ranges[0].end() == kMmioHoleStart);
}

TEST_CASE("what the hole displaces continues at 4 GiB") {
    const auto ranges = ram_ranges(3 * kGibibyte + kMebibyte);
    REQUIRE(ranges.size() == 2);
    CHECK(ranges[0].end() == kMmioHoleStart);
    CHECK(ranges[1].start == kMmioHoleEnd);
    CHECK(ranges[1].size == kMebibyte);
}

TEST_CASE("no range is lost or counted twice, at any size") {
    for (const std::uint64_t bytes :
         {kMinMemoryBytes, 3 * kGibibyte - kMebibyte, 5 * kGibibyte, kMaxMemoryBytes}) {
        std::uint64_t sum = 0;
        for (const auto& range : ram_ranges(bytes))
            sum += range.size;
        CHECK(sum == bytes);
    }
}

TEST_CASE("memory that comes later starts at a whole GiB above RAM and the hole") {
    CHECK(later_memory_start(128 * kMebibyte) == kMmioHoleEnd);
    CHECK(later_memory_start(3 * kGibibyte) == kMmioHoleEnd);
    CHECK(later_memory_start(3 * kGibibyte + kMebibyte) == 5 * kGibibyte);
    CHECK(later_memory_start(4 * kGibibyte) == 5 * kGibibyte);
    CHECK(later_memory_start(4 * kGibibyte + kMebibyte) == 6 * kGibibyte);
}

TEST_CASE("device registers and KVM's pages lie in the hole and do not meet") {
    CHECK(kVirtioMmioBase >= kMmioHoleStart);
    CHECK(kVirtioMmioBase + kMaxVirtioDevices * kVirtioMmioSize <= kIoApicAddress);
    CHECK(kIdentityMapAddress + kPageSize <= kTssAddress);
    CHECK(kTssAddress + 3 * kPageSize <= kMmioHoleEnd);
}

}  // namespace
}  // namespace nacre::arch
