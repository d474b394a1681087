#include "vmm/arch/boot_params.h"

#include <asm/bootparam.h>

#include "tests/vmm/arch/guest_ram.h"

namespace nacre::arch {
namespace {

boot_params params_for(std::uint64_t bytes) {
    const auto memory = make_guest_ram(bytes);
    REQUIRE(write_boot_params(memory, {"quiet", {0x1234000, 567}, bytes}));
    const auto params = memory.read_object<boot_params>(kBootParamsAddress);
    REQUIRE(params);
    return *params;
}

// A packed field by value: doctest would bind a reference to it, which may be misaligned.
template <typename T>
T value_of(T field) {
    return field;
}

std::uint64_t usable_bytes(const boot_params& params) {
    std::uint64_t sum = 0;
    for (std::size_t i = 0; i < params.e820_entries; ++i)
        if (params.e820_table[i].type == 1)
            sum += params.e820_table[i].size;
    return sum;
}

TEST_CASE("a command line that does not fit is refused, the longest that does is not") {
    const auto memory = make_guest_ram(kMinMemoryBytes);
    CHECK_FALSE(write_boot_params(memory, {std::string(kCommandLineSize, 'x'), {}, kMinMemoryBytes}));
    CHECK(write_boot_params(memory, {std::string(kCommandLineSize - 1, 'x'), {}, kMinMemoryBytes}));
    CHECK(*memory.read_object<char>(kCommandLineAddress + kCommandLineSize - 2) == 'x');
    CHECK(*memory.read_object<char>(kCommandLineAddress + kCommandLineSize - 1) == '\0');
}

TEST_CASE("the header carries what the boot protocol asks for") {
    const auto params = params_for(kMinMemoryBytes);
    CHECK(value_of(params.hdr.boot_flag) == 0xaa55);
    CHECK(value_of(params.hdr.header) == 0x53726448);
    CHECK(value_of(params.hdr.type_of_loader) == 0xff);
    CHECK(value_of(params.hdr.cmd_line_ptr) == kCommandLineAddress);
    CHECK(value_of(params.hdr.ramdisk_image) == 0x1234000);
    CHECK(value_of(params.hdr.ramdisk_size) == 567);
    CHECK(value_of(params.sentinel) == 0);
}

TEST_CASE("e820: all RAM but the last KiB of conventional memory and the PC's hole below 1 MiB is usable") {
    for (const std::uint64_t bytes :
         {64 * kMebibyte, 3 * kGibibyte - kMebibyte, 3 * kGibibyte, 3 * kGibibyte + kMebibyte, 5 * kGibibyte})
        CHECK(usable_bytes(params_for(bytes)) == bytes - kMebibyte + kMpTableAddress);
}

TEST_CASE("e820: ranges ascend, do not meet, and keep out of the MMIO hole") {
    const auto params = params_for(5 * kGibibyte);
    REQUIRE(value_of(params.e820_entries) == 4);
    std::uint64_t end = 0;
    for (std::size_t i = 0; i < params.e820_entries; ++i) {
        const auto& entry = params.e820_table[i];
        CHECK(value_of(entry.addr) >= end);
        end = entry.addr + entry.size;
        CHECK((end <= kMmioHoleStart || entry.addr >= kMmioHoleEnd));
    }
}

TEST_CASE("the MP table's memory is reserved") {
    const auto params = params_for(64 * kMebibyte);
    CHECK(value_of(params.e820_table[1].addr) == kMpTableAddress);
    CHECK(value_of(params.e820_table[1].size) == kMpTableSize);
    CHECK(value_of(params.e820_table[1].type) == 2);
}

TEST_CASE("every VM gets another random seed, of 32 bytes") {
    const auto memory = make_guest_ram(kMinMemoryBytes);
    struct Seed {
        std::uint64_t next;
        std::uint32_t type, length;
        std::uint64_t words[4];
    };
    Seed seeds[2];
    for (auto& seed : seeds) {
        REQUIRE(write_boot_params(memory, {"", {}, kMinMemoryBytes}));
        seed = *memory.read_object<Seed>(kRandomSeedAddress);
    }
    CHECK(seeds[0].next == 0);
    CHECK(seeds[0].type == 9);
    CHECK(seeds[0].length == 32);
    CHECK(seeds[0].words[0] != seeds[1].words[0]);
    CHECK(seeds[0].words[3] != seeds[1].words[3]);
}

}  // namespace
}  // namespace nacre::arch
