#include "vmm/arch/mp_table.h"

#include <algorithm>
#include <cstring>
#include <span>

#include "vmm/arch/memory_layout.h"

namespace nacre::arch {
namespace {

// Layouts of MP specification 1.4, sections 4.1 to 4.3. Every field falls on its natural alignment.
struct FloatingPointer {
    char signature[4];
    std::uint32_t table_address;
    std::uint8_t length;  // in 16-byte units
    std::uint8_t revision;
    std::uint8_t checksum;
    std::uint8_t features[5];
};
static_assert(sizeof(FloatingPointer) == 16);

struct TableHeader {
    char signature[4];
    std::uint16_t length;
    std::uint8_t revision;
    std::uint8_t checksum;
    char oem[8];
    char product[12];
    std::uint32_t oem_table;
    std::uint16_t oem_table_size;
    std::uint16_t entry_count;
    std::uint32_t local_apic;
    std::uint16_t extended_length;
    std::uint8_t extended_checksum;
    std::uint8_t reserved;
};
static_assert(sizeof(TableHeader) == 44);

struct Processor {
    std::uint8_t type;
    std::uint8_t apic_id;
    std::uint8_t apic_version;
    std::uint8_t flags;
    std::uint32_t signature;
    std::uint32_t features;
    std::uint32_t reserved[2];
};
static_assert(sizeof(Processor) == 20);

struct BusEntry {
    std::uint8_t type;
    std::uint8_t id;
    char name[6];
};
static_assert(sizeof(BusEntry) == 8);

struct IoApic {
    std::uint8_t type;
    std::uint8_t id;
    std::uint8_t version;
    std::uint8_t flags;
    std::uint32_t address;
};
static_assert(sizeof(IoApic) == 8);

struct InterruptEntry {
    std::uint8_t type;
    std::uint8_t kind;
    std::uint16_t flags;
    std::uint8_t source_bus;
    std::uint8_t source_irq;
    std::uint8_t target_apic;
    std::uint8_t target_pin;
};
static_assert(sizeof(InterruptEntry) == 8);

enum EntryType : std::uint8_t { kProcessor, kBus, kIoApic, kIoInterrupt, kLocalInterrupt };
enum InterruptKind : std::uint8_t { kVectored, kNmi, kSmi, kExternal };

constexpr std::uint8_t kSpecRevision = 4;  // 1.4
constexpr std::uint8_t kApicVersion = 0x14;
constexpr std::uint8_t kIoApicVersion = 0x11;
constexpr std::uint8_t kEnabled = 1;
constexpr std::uint8_t kBootProcessor = 2;
constexpr std::uint16_t kActiveHighEdge = 0x5;
constexpr std::uint8_t kIsaBus = 0;
constexpr std::uint8_t kAllLocalApics = 0xff;

/// The byte that makes all bytes sum to 0 modulo 256.
std::uint8_t checksum(std::span<const std::byte> bytes) {
    unsigned sum = 0;
    for (const auto byte : bytes)
        sum += std::to_integer<unsigned>(byte);
    return static_cast<std::uint8_t>(0U - sum);
}

template <class T>
void append(std::vector<std::byte>& table, const T& entry) {
    const auto bytes = std::as_bytes(std::span(&entry, 1));
    table.insert(table.end(), bytes.begin(), bytes.end());
}

template <class T>
void replace(std::vector<std::byte>& table, std::size_t offset, const T& object) {
    std::memcpy(table.data() + offset, &object, sizeof(object));
}

Processor processor(std::uint8_t apic_id) {
    Processor entry{};
    entry.type = kProcessor;
    entry.apic_id = apic_id;
    entry.apic_version = kApicVersion;
    entry.flags = static_cast<std::uint8_t>(kEnabled | (apic_id == 0 ? kBootProcessor : 0));
    return entry;
}

InterruptEntry isa_interrupt(std::uint8_t irq, std::uint8_t io_apic_id) {
    return {kIoInterrupt, kVectored, kActiveHighEdge, kIsaBus, irq, io_apic_id, irq};
}

/// The entries behind the header; returns how many there are.
std::uint16_t append_entries(std::vector<std::byte>& table, std::uint32_t vcpus) {
    const auto io_apic_id = static_cast<std::uint8_t>(vcpus);  // the first ID that no processor has
    for (std::uint32_t id = 0; id < vcpus; ++id)
        append(table, processor(static_cast<std::uint8_t>(id)));
    append(table, BusEntry{kBus, kIsaBus, {'I', 'S', 'A', ' ', ' ', ' '}});
    append(table, IoApic{kIoApic, io_apic_id, kIoApicVersion, kEnabled, kIoApicAddress});
    for (std::uint32_t irq = 0; irq < kIrqCount; ++irq)
        append(table, isa_interrupt(static_cast<std::uint8_t>(irq), io_apic_id));
    append(table, InterruptEntry{kLocalInterrupt, kExternal, 0, kIsaBus, 0, 0, 0});
    append(table, InterruptEntry{kLocalInterrupt, kNmi, 0, kIsaBus, 0, kAllLocalApics, 1});
    return static_cast<std::uint16_t>(vcpus + 2 + kIrqCount + 2);
}

FloatingPointer floating_pointer(std::uint32_t table_address) {
    FloatingPointer pointer{};
    std::memcpy(pointer.signature, "_MP_", sizeof(pointer.signature));
    pointer.table_address = table_address;
    pointer.length = 1;
    pointer.revision = kSpecRevision;
    pointer.checksum = checksum(std::as_bytes(std::span(&pointer, 1)));
    return pointer;
}

TableHeader header(std::uint16_t length, std::uint16_t entry_count) {
    TableHeader header{};
    std::memcpy(header.signature, "PCMP", sizeof(header.signature));
    header.length = length;
    header.revision = kSpecRevision;
    std::memcpy(header.oem, "NACRE   ", sizeof(header.oem));
    std::memcpy(header.product, "MICROVM     ", sizeof(header.product));
    header.entry_count = entry_count;
    header.local_apic = kLocalApicAddress;
    return header;
}

}  // namespace

std::vector<std::byte> mp_table(std::uint32_t vcpus, std::uint32_t address) {
    std::vector<std::byte> table(sizeof(FloatingPointer) + sizeof(TableHeader));
    replace(table, 0, floating_pointer(address + sizeof(FloatingPointer)));
    const auto entry_count = append_entries(table, vcpus);
    auto head = header(static_cast<std::uint16_t>(table.size() - sizeof(FloatingPointer)), entry_count);
    replace(table, sizeof(FloatingPointer), head);
    head.checksum = checksum(std::span(table).subspan(sizeof(FloatingPointer)));
    replace(table, sizeof(FloatingPointer), head);
    return table;
}

Result<void> write_mp_table(const GuestMemory& memory, std::uint32_t vcpus) {
    const auto table = mp_table(vcpus, kMpTableAddress);
    NACRE_ASSIGN(const auto target, memory.slice(kMpTableAddress, kMpTableSize));
    std::ranges::copy(table, target.begin());
    return {};
}

}  // namespace nacre::arch
