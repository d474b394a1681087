#include "vmm/arch/initramfs.h"

#include "tests/vmm/arch/guest_ram.h"

namespace nacre::arch {
namespace {

constexpr GuestAddress kKernelEnd = 20 * kMebibyte;

std::vector<std::byte> image(std::size_t size) {
    return std::vector<std::byte>(size, std::byte{0x5a});
}

TEST_CASE("an empty image is refused") {
    const auto memory = make_guest_ram(kMinMemoryBytes);
    CHECK_FALSE(load_initramfs(BytesSource({}), memory, kKernelEnd));
}

TEST_CASE("an image that would reach the kernel is refused") {
    const auto memory = make_guest_ram(kMinMemoryBytes);
    const auto large = image(12 * kMebibyte);
    CHECK_FALSE(load_initramfs(BytesSource(large), memory, kKernelEnd + 1));
    CHECK_FALSE(load_initramfs(BytesSource(large), memory, kMinMemoryBytes));
    CHECK_FALSE(load_initramfs(BytesSource(large), memory, kMinMemoryBytes - 1));
    CHECK(load_initramfs(BytesSource(large), memory, kKernelEnd));
}

TEST_CASE("it lies page-aligned at the end of RAM") {
    const auto memory = make_guest_ram(kMinMemoryBytes);
    const auto bytes = image(5000);
    const auto range = load_initramfs(BytesSource(bytes), memory, kKernelEnd);
    REQUIRE(range);
    CHECK(range->start == kMinMemoryBytes - 2 * kPageSize);
    CHECK(range->size == 5000);
    CHECK(*memory.read_object<std::uint8_t>(range->start) == 0x5a);
    CHECK(*memory.read_object<std::uint8_t>(range->start + 4999) == 0x5a);
    CHECK(*memory.read_object<std::uint8_t>(range->start + 5000) == 0);
}

TEST_CASE("with RAM above the hole it still lies below it") {
    const auto memory = make_guest_ram(4 * kGibibyte);
    const auto bytes = image(100);
    const auto range = load_initramfs(BytesSource(bytes), memory, kKernelEnd);
    REQUIRE(range);
    CHECK(range->end() <= kMmioHoleStart);
}

}  // namespace
}  // namespace nacre::arch
