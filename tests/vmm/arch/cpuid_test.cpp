#include "vmm/arch/cpuid.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <optional>

namespace nacre::arch {
namespace {

kvm_cpuid_entry2 leaf(std::uint32_t function, std::uint32_t index, std::uint32_t eax, std::uint32_t ebx,
                      std::uint32_t ecx, std::uint32_t edx) {
    kvm_cpuid_entry2 entry{};
    entry.function = function;
    entry.index = index;
    entry.eax = eax;
    entry.ebx = ebx;
    entry.ecx = ecx;
    entry.edx = edx;
    return entry;
}

constexpr std::uint32_t kAll = 0xffffffff;

std::optional<kvm_cpuid_entry2> find(const std::vector<kvm_cpuid_entry2>& leaves, std::uint32_t function,
                                     std::uint32_t index = 0) {
    const auto found = std::ranges::find_if(
        leaves, [&](const auto& entry) { return entry.function == function && entry.index == index; });
    return found == leaves.end() ? std::nullopt : std::optional(*found);
}

/// What the guest sees of one leaf that the host offers.
kvm_cpuid_entry2 shown(const kvm_cpuid_entry2& offered, std::uint32_t id, std::uint32_t count) {
    const auto found = find(guest_cpuid(std::span(&offered, 1), id, count), offered.function, offered.index);
    REQUIRE(found);
    return *found;
}

bool bit(std::uint32_t word, unsigned number) {
    return (word >> number & 1) != 0;
}

TEST_CASE("no leaves give no leaves") {
    CHECK(guest_cpuid({}, 0, 1).empty());
}

TEST_CASE("leaf 1 carries the APIC ID, the number of IDs, and the bits of a guest of KVM") {
    const auto entry = shown(leaf(1, 0, 0, 0xff000800, 0, 0), 5, 6);
    CHECK((entry.ebx >> 24) == 5);
    CHECK((entry.ebx >> 16 & 0xff) == 8);  // rounded up to a power of two
    CHECK((entry.ebx & 0xffff) == 0x0800);
    CHECK(bit(entry.ecx, 31));
    CHECK(bit(entry.ecx, 24));
    CHECK(bit(entry.edx, 28));
}

TEST_CASE("leaf 1 hides nested virtualisation, MONITOR and performance capabilities") {
    const auto entry = shown(leaf(1, 0, 0, 0, kAll, kAll), 0, 1);
    CHECK_FALSE(bit(entry.ecx, 3));
    CHECK_FALSE(bit(entry.ecx, 5));
    CHECK_FALSE(bit(entry.ecx, 15));
    CHECK_FALSE(bit(entry.edx, 28));  // one processor: no hyper-threading
    CHECK(bit(entry.ecx, 28));        // AVX, like all else, passes
}

TEST_CASE("the APIC timer is said never to stop") {
    CHECK(bit(shown(leaf(6, 0, 0, 0, 0, 0), 0, 1).eax, 2));
}

TEST_CASE("performance counters are hidden") {
    for (const std::uint32_t function : {0xaU, 0x80000022U}) {
        const auto entry = shown(leaf(function, 0, kAll, kAll, kAll, kAll), 0, 1);
        CHECK((entry.eax | entry.ebx | entry.ecx | entry.edx) == 0);
    }
}

TEST_CASE("AMD: SVM and its leaf are hidden") {
    CHECK_FALSE(bit(shown(leaf(0x80000001, 0, 0, 0, kAll, kAll), 0, 1).ecx, 2));
    CHECK(shown(leaf(0x8000000a, 0, kAll, kAll, kAll, kAll), 0, 1).eax == 0);
}

TEST_CASE("caches: the first two levels belong to a core, the third to all; no cache stays none") {
    const std::uint32_t l1 = 1 | 1 << 5 | 0xfffc000U;
    const std::uint32_t l3 = 3 | 3 << 5;
    for (const std::uint32_t function : {0x4U, 0x8000001dU}) {
        CHECK((shown(leaf(function, 0, l1, 0, 0, 0), 0, 4).eax >> 14 & 0xfff) == 0);
        CHECK((shown(leaf(function, 3, l3, 0, 0, 0), 0, 4).eax >> 14 & 0xfff) == 3);
        CHECK(shown(leaf(function, 4, 0, 0, 0, 0), 0, 4).eax == 0);
    }
    CHECK((shown(leaf(4, 0, l1, 0, 0, 0), 0, 4).eax >> 26) == 3);
}

TEST_CASE("AMD: core count and core ID") {
    CHECK((shown(leaf(0x80000008, 0, 0x3030, 0, 0xffff, 0), 0, 6).ecx & 0xff) == 5);
    CHECK((shown(leaf(0x80000008, 0, 0x3030, 0, 0xffff, 0), 0, 6).ecx >> 12 & 0xf) == 3);
    CHECK(shown(leaf(0x80000008, 0, 0x3030, 0, 0, 0), 0, 6).eax == 0x3030);  // address sizes pass
    const auto entry = shown(leaf(0x8000001e, 0, 99, 0x0105, 7, 0), 3, 4);
    CHECK(entry.eax == 3);
    CHECK(entry.ebx == 3);
    CHECK(entry.ecx == 0);
}

TEST_CASE("extended topology is the guest's own, three levels, in place of the host's") {
    const std::vector offered = {leaf(0, 0, 0x1f, 0, 0, 0), leaf(0xb, 0, 1, 2, 0x100, 77),
                                 leaf(0xb, 1, 7, 96, 0x201, 77), leaf(0x1f, 0, 1, 2, 0x100, 77)};
    const auto leaves = guest_cpuid(offered, 5, 6);
    CHECK(leaves.size() == 1 + 3 + 3);
    for (const std::uint32_t function : {0xbU, 0x1fU}) {
        const auto threads = find(leaves, function, 0);
        const auto cores = find(leaves, function, 1);
        const auto end = find(leaves, function, 2);
        REQUIRE(threads);
        REQUIRE(cores);
        REQUIRE(end);
        CHECK(threads->eax == 0);
        CHECK(threads->ebx == 1);
        CHECK(threads->ecx == 0x100);
        CHECK(cores->eax == 3);
        CHECK(cores->ebx == 6);
        CHECK(cores->ecx == 0x201);
        CHECK(cores->edx == 5);
        CHECK(end->ebx == 0);
        CHECK((end->flags & KVM_CPUID_FLAG_SIGNIFCANT_INDEX) != 0);
    }
}

TEST_CASE("a processor without extended topology gets none") {
    const auto leaves = guest_cpuid(std::vector{leaf(0, 0, 0xa, 0, 0, 0)}, 0, 1);
    CHECK_FALSE(find(leaves, 0xb));
}

TEST_CASE("KVM's own leaves and what is not listed pass unchanged") {
    for (const std::uint32_t function : {0x7U, 0xdU, 0x40000000U, 0x40000001U, 0x80000007U}) {
        const auto entry = shown(leaf(function, 0, 1, 2, 3, 4), 1, 2);
        CHECK(entry.eax == 1);
        CHECK(entry.ebx == 2);
        CHECK(entry.ecx == 3);
        CHECK(entry.edx == 4);
    }
}

TEST_CASE("APIC IDs are distinct for every number of processors up to 32") {
    const std::vector offered = {leaf(1, 0, 0, 0, 0, 0)};
    for (std::uint32_t id = 0; id < 32; ++id)
        CHECK((find(guest_cpuid(offered, id, 32), 1)->ebx >> 24) == id);
}

}  // namespace
}  // namespace nacre::arch
