#include "vmm/arch/cpu_state.h"

#include <cstring>

#include "tests/vmm/arch/guest_ram.h"

namespace nacre::arch {
namespace {

/// Walks the page tables as a processor would (Intel SDM volume 3, 4.5), for 2 MiB pages.
std::uint64_t translate(const GuestMemory& memory, std::uint64_t root, std::uint64_t address) {
    const auto entry = [&](std::uint64_t table, unsigned shift) {
        const auto value = memory.read_object<std::uint64_t>(
            (table & ~std::uint64_t{0xfff}) + (address >> shift & 511) * sizeof(std::uint64_t));
        REQUIRE(value);
        REQUIRE((*value & 1) == 1);
        return *value;
    };
    const auto page = entry(entry(entry(root, 39), 30), 21);
    REQUIRE((page & 0x80) != 0);
    return (page & ~std::uint64_t{0x1fffff}) + (address & 0x1fffff);
}

TEST_CASE("the first GiB is mapped to itself") {
    const auto memory = make_guest_ram(kMinMemoryBytes);
    REQUIRE(write_entry_tables(memory));
    const auto root = initial_sregs({}).cr3;
    for (const std::uint64_t address : {std::uint64_t{0}, kBootParamsAddress, 16 * kMebibyte, kGibibyte - 1})
        CHECK(translate(memory, root, address) == address);
}

TEST_CASE("the tables keep clear of what else lies in low memory") {
    const auto root = initial_sregs({}).cr3;
    CHECK(root + 3 * kPageSize <= kBootParamsAddress);
    CHECK(kGdtAddress + initial_sregs({}).gdt.limit < root);
}

TEST_CASE("the descriptors in the GDT are those that the segment registers hold") {
    const auto memory = make_guest_ram(kMinMemoryBytes);
    REQUIRE(write_entry_tables(memory));
    const auto sregs = initial_sregs({});
    for (const auto& segment : {sregs.cs, sregs.ds, sregs.tr}) {
        CHECK(segment.selector <= sregs.gdt.limit);
        const auto descriptor = memory.read_object<std::uint64_t>(sregs.gdt.base + segment.selector);
        REQUIRE(descriptor);
        CHECK((*descriptor >> 40 & 0xf) == segment.type);
        CHECK((*descriptor >> 47 & 1) == segment.present);
        CHECK((*descriptor >> 53 & 1) == segment.l);
    }
}

TEST_CASE("the processor is in long mode with paging, at the boot protocol's selectors") {
    kvm_sregs reset{};
    reset.apic_base = 0xfee00900;
    const auto sregs = initial_sregs(reset);
    CHECK(sregs.cr0 == 0x80000011);
    CHECK(sregs.cr4 == 0x20);
    CHECK(sregs.efer == 0x500);
    CHECK(sregs.cs.selector == 0x10);
    CHECK(sregs.cs.l == 1);
    CHECK(sregs.ds.selector == 0x18);
    CHECK(sregs.ss.selector == 0x18);
    CHECK(sregs.apic_base == 0xfee00900);  // what is not the protocol's business stays
}

TEST_CASE("interrupts are off and RSI points at the boot_params") {
    const auto regs = initial_regs(0x1000000);
    CHECK(regs.rip == 0x1000000);
    CHECK(regs.rsi == kBootParamsAddress);
    CHECK(regs.rflags == 2);
}

TEST_CASE("the local APIC passes the PIC's interrupts and NMIs; its other registers stay") {
    kvm_lapic_state reset{};
    std::memset(reset.regs, 0x11, sizeof(reset.regs));
    const auto lapic = initial_lapic(reset);
    std::uint32_t lvt0 = 0;
    std::uint32_t lvt1 = 0;
    std::memcpy(&lvt0, lapic.regs + 0x350, sizeof(lvt0));
    std::memcpy(&lvt1, lapic.regs + 0x360, sizeof(lvt1));
    CHECK(lvt0 == 0x700);
    CHECK(lvt1 == 0x400);
    CHECK(lapic.regs[0x340] == 0x11);
    CHECK(lapic.regs[0x370] == 0x11);
}

}  // namespace
}  // namespace nacre::arch
