#include "vmm/arch/mp_table.h"

#include <cstring>
#include <numeric>
#include <string>

#include "tests/vmm/arch/guest_ram.h"

namespace nacre::arch {
namespace {

// Offsets from MP specification 1.4, tables 4-1 and 4-3 ff.; spelled out here so that the test does not share
// the code's structures.
constexpr std::size_t kPointerSize = 16;
constexpr std::size_t kHeaderSize = 44;

std::uint8_t at(const std::vector<std::byte>& table, std::size_t offset) {
    return std::to_integer<std::uint8_t>(table.at(offset));
}

std::uint32_t word_at(const std::vector<std::byte>& table, std::size_t offset) {
    std::uint32_t word = 0;
    std::memcpy(&word, std::span(table).subspan(offset, sizeof word).data(), sizeof word);
    return word;
}

std::uint8_t sum(std::span<const std::byte> bytes) {
    return std::accumulate(bytes.begin(), bytes.end(), std::uint8_t{0},
                           [](std::uint8_t total, std::byte byte) {
                               return static_cast<std::uint8_t>(total + std::to_integer<std::uint8_t>(byte));
                           });
}

std::string text_at(const std::vector<std::byte>& table, std::size_t offset, std::size_t length) {
    std::string text(length, '\0');
    std::memcpy(text.data(), table.data() + offset, length);
    return text;
}

TEST_CASE("both checksums are right for every number of processors") {
    for (std::uint32_t vcpus = 1; vcpus <= kMaxVcpus; ++vcpus) {
        const auto table = mp_table(vcpus, 0x9fc00);
        const std::span bytes(table);
        CHECK(sum(bytes.first(kPointerSize)) == 0);
        CHECK(sum(bytes.subspan(kPointerSize)) == 0);
    }
}

TEST_CASE("the largest table fits into the memory set aside for it") {
    CHECK(mp_table(kMaxVcpus, 0x9fc00).size() <= kMpTableSize);
}

TEST_CASE("the floating pointer leads to the configuration table behind it") {
    const auto table = mp_table(1, 0x9fc00);
    CHECK(text_at(table, 0, 4) == "_MP_");
    CHECK(word_at(table, 4) == 0x9fc10);
    CHECK(at(table, 8) == 1);
    CHECK(at(table, 9) == 4);
    CHECK(at(table, 11) == 0);  // a configuration table is present
    CHECK(text_at(table, kPointerSize, 4) == "PCMP");
    CHECK(word_at(table, kPointerSize + 36) == 0xfee00000);
}

TEST_CASE("length and entry count in the header agree with the entries") {
    for (const std::uint32_t vcpus : {1U, 2U, 32U}) {
        const auto table = mp_table(vcpus, 0x9fc00);
        CHECK((word_at(table, kPointerSize + 4) & 0xffff) == table.size() - kPointerSize);
        std::size_t offset = kPointerSize + kHeaderSize;
        std::uint32_t entries = 0;
        for (; offset < table.size(); ++entries)
            offset += at(table, offset) == 0 ? 20 : 8;  // processors are longer than all else
        CHECK(offset == table.size());
        CHECK(word_at(table, kPointerSize + 34) % 0x10000 == entries);
    }
}

TEST_CASE("processors have APIC IDs 0 and up, are enabled, and the first one boots") {
    const auto table = mp_table(4, 0x9fc00);
    for (std::uint8_t id = 0; id < 4; ++id) {
        const std::size_t entry = kPointerSize + kHeaderSize + id * std::size_t{20};
        CHECK(at(table, entry) == 0);
        CHECK(at(table, entry + 1) == id);
        CHECK(at(table, entry + 3) == (id == 0 ? 3 : 1));
    }
}

TEST_CASE("there is one ISA bus and one IOAPIC, whose ID no processor has") {
    const auto table = mp_table(2, 0x9fc00);
    const std::size_t bus = kPointerSize + kHeaderSize + 2 * 20;
    CHECK(at(table, bus) == 1);
    CHECK(text_at(table, bus + 2, 6) == "ISA   ");
    CHECK(at(table, bus + 8) == 2);
    CHECK(at(table, bus + 9) == 2);
    CHECK(at(table, bus + 11) == 1);
    CHECK(word_at(table, bus + 12) == 0xfec00000);
}

TEST_CASE("every interrupt goes to the pin of its number, edge-triggered and active high") {
    const auto table = mp_table(1, 0x9fc00);
    for (std::uint8_t irq = 0; irq < kIrqCount; ++irq) {
        const std::size_t entry = kPointerSize + kHeaderSize + 20 + 16 + irq * std::size_t{8};
        CHECK(at(table, entry) == 3);
        CHECK(at(table, entry + 1) == 0);
        CHECK(at(table, entry + 2) == 5);
        CHECK(at(table, entry + 5) == irq);
        CHECK(at(table, entry + 6) == 1);
        CHECK(at(table, entry + 7) == irq);
    }
}

TEST_CASE("it is written where the kernel looks for it") {
    const auto memory = make_guest_ram(kMinMemoryBytes);
    REQUIRE(write_mp_table(memory, 32));
    CHECK(*memory.read_object<std::uint32_t>(kMpTableAddress) == 0x5f504d5f);  // "_MP_"
}

}  // namespace
}  // namespace nacre::arch
