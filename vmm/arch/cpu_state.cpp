#include "vmm/arch/cpu_state.h"

#include <array>
#include <cstring>

#include "vmm/arch/memory_layout.h"

namespace nacre::arch {
namespace {

// Segment descriptors and selectors (Intel SDM volume 3, 3.4.5).
constexpr std::uint64_t kCodeDescriptor = 0x00af9b000000ffff;  // 64-bit, execute/read, present, accessed
constexpr std::uint64_t kDataDescriptor = 0x00cf93000000ffff;  // read/write
constexpr std::uint64_t kTaskDescriptor = 0x008f8b000000ffff;  // busy TSS, which VMX insists on
constexpr std::array<std::uint64_t, 5> kGdt = {0, 0, kCodeDescriptor, kDataDescriptor, kTaskDescriptor};
constexpr std::uint16_t kCodeSelector = 0x10;
constexpr std::uint16_t kDataSelector = 0x18;
constexpr std::uint16_t kTaskSelector = 0x20;

// Control registers (SDM volume 3, 2.5), EFER and page-table entries (4.5).
constexpr std::uint64_t kCr0ProtectionEnable = 1;
constexpr std::uint64_t kCr0ExtensionType = 1 << 4;
constexpr std::uint64_t kCr0Paging = std::uint64_t{1} << 31;
constexpr std::uint64_t kCr4PhysicalAddressExtension = 1 << 5;
constexpr std::uint64_t kEferLongModeEnable = 1 << 8;
constexpr std::uint64_t kEferLongModeActive = 1 << 10;
constexpr std::uint64_t kPresentWritable = 3;
constexpr std::uint64_t kLargePage = 1 << 7;
constexpr std::uint64_t kLargePageSize = 2 * kMebibyte;

constexpr std::uint64_t kFlagsReservedOne = 2;

// Offsets and values of the local APIC's vector table (SDM volume 3, 11.5.1).
constexpr std::size_t kApicLvt0 = 0x350;
constexpr std::size_t kApicLvt1 = 0x360;
constexpr std::uint32_t kDeliverNmi = 4 << 8;
constexpr std::uint32_t kDeliverExternal = 7 << 8;

constexpr std::uint32_t kMsrMiscEnable = 0x1a0;
constexpr std::uint64_t kMiscEnableFastStrings = 1;
constexpr std::uint32_t kMsrMtrrDefaultType = 0x2ff;
constexpr std::uint64_t kMtrrEnabledWriteBack = (1 << 11) | 6;

using PageTable = std::array<std::uint64_t, 512>;

kvm_segment flat_segment(std::uint16_t selector, std::uint64_t descriptor) {
    const auto bits = [&](unsigned low, unsigned width) {
        return static_cast<std::uint8_t>((descriptor >> low) & ((1U << width) - 1));
    };
    kvm_segment segment{};
    segment.limit = 0xffffffff;
    segment.selector = selector;
    segment.type = bits(40, 4);
    segment.s = bits(44, 1);
    segment.dpl = bits(45, 2);
    segment.present = bits(47, 1);
    segment.l = bits(53, 1);
    segment.db = bits(54, 1);
    segment.g = bits(55, 1);
    return segment;
}

void set_lvt(kvm_lapic_state& lapic, std::size_t offset, std::uint32_t value) {
    std::memcpy(lapic.regs + offset, &value, sizeof(value));
}

kvm_msr_entry msr(std::uint32_t index, std::uint64_t value) {
    kvm_msr_entry entry{};
    entry.index = index;
    entry.data = value;
    return entry;
}

}  // namespace

Result<void> write_entry_tables(const GuestMemory& memory) {
    PageTable level4{};
    PageTable level3{};
    PageTable level2{};
    level4[0] = (kPageTablesAddress + kPageSize) | kPresentWritable;
    level3[0] = (kPageTablesAddress + 2 * kPageSize) | kPresentWritable;
    for (std::size_t i = 0; i < level2.size(); ++i)
        level2[i] = (i * kLargePageSize) | kPresentWritable | kLargePage;
    NACRE_TRY(memory.write_object(kPageTablesAddress, level4));
    NACRE_TRY(memory.write_object(kPageTablesAddress + kPageSize, level3));
    NACRE_TRY(memory.write_object(kPageTablesAddress + 2 * kPageSize, level2));
    return memory.write_object(kGdtAddress, kGdt);
}

kvm_regs initial_regs(GuestAddress entry) {
    kvm_regs regs{};
    regs.rip = entry;
    regs.rsi = kBootParamsAddress;
    regs.rflags = kFlagsReservedOne;
    return regs;
}

kvm_sregs initial_sregs(const kvm_sregs& reset) {
    kvm_sregs sregs = reset;
    sregs.cs = flat_segment(kCodeSelector, kCodeDescriptor);
    const auto data = flat_segment(kDataSelector, kDataDescriptor);
    sregs.ds = sregs.es = sregs.fs = sregs.gs = sregs.ss = data;
    sregs.tr = flat_segment(kTaskSelector, kTaskDescriptor);
    sregs.gdt.base = kGdtAddress;
    sregs.gdt.limit = sizeof(kGdt) - 1;
    sregs.idt.base = 0;
    sregs.idt.limit = 0;
    sregs.cr0 = kCr0ProtectionEnable | kCr0ExtensionType | kCr0Paging;
    sregs.cr3 = kPageTablesAddress;
    sregs.cr4 = kCr4PhysicalAddressExtension;
    sregs.efer = kEferLongModeEnable | kEferLongModeActive;
    return sregs;
}

kvm_fpu initial_fpu() {
    kvm_fpu fpu{};
    fpu.fcw = 0x37f;
    fpu.mxcsr = 0x1f80;
    return fpu;
}

kvm_lapic_state initial_lapic(const kvm_lapic_state& reset) {
    kvm_lapic_state lapic = reset;
    set_lvt(lapic, kApicLvt0, kDeliverExternal);
    set_lvt(lapic, kApicLvt1, kDeliverNmi);
    return lapic;
}

std::vector<kvm_msr_entry> initial_msrs() {
    // Linux drops fast string instructions on Intel unless firmware has enabled them.
    return {msr(kMsrMiscEnable, kMiscEnableFastStrings), msr(kMsrMtrrDefaultType, kMtrrEnabledWriteBack)};
}

}  // namespace nacre::arch
