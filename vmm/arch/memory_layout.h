#pragma once

#include <cstdint>
#include <vector>

#include "vmm/memory/guest_memory.h"

/// The guest-physical address space of every VM.
///
///   0x0000'0500  GDT                               0xc000'0000  MMIO hole, to 4 GiB
///   0x0000'6000  page tables of the entry          0xd000'0000  virtio-mmio devices, 4 KiB each
///   0x0000'9000  boot_params ("zero page")         0xfec0'0000  IOAPIC
///   0x0000'a000  command line                      0xfee0'0000  local APIC
///   0x0000'b000  random seed                       0xfffb'c000  real-mode pages that KVM needs on Intel
///   0x0009'fc00  MP table, to 640 KiB            0x1'0000'0000  the RAM that the hole displaced
///   0x0010'0000  kernel and all other RAM                  ...  RAM that comes later (virtio-mem)
namespace nacre::arch {

constexpr std::uint64_t kPageSize = 4096;
constexpr std::uint64_t kMebibyte = std::uint64_t{1} << 20;
constexpr std::uint64_t kGibibyte = std::uint64_t{1} << 30;

constexpr GuestAddress kGdtAddress = 0x500;
constexpr GuestAddress kPageTablesAddress = 0x6000;
constexpr GuestAddress kBootParamsAddress = 0x9000;
constexpr GuestAddress kCommandLineAddress = 0xa000;
constexpr std::uint64_t kCommandLineSize = 0x1000;
constexpr GuestAddress kRandomSeedAddress = 0xb000;
/// The last KiB of conventional memory, one of the places where the kernel looks for an MP table.
constexpr GuestAddress kMpTableAddress = 0x9fc00;
constexpr std::uint64_t kMpTableSize = 0x400;
constexpr GuestAddress kHighMemoryStart = kMebibyte;

constexpr GuestAddress kMmioHoleStart = 3 * kGibibyte;
constexpr GuestAddress kMmioHoleEnd = 4 * kGibibyte;
constexpr GuestAddress kVirtioMmioBase = 0xd0000000;
constexpr std::uint64_t kVirtioMmioSize = 0x1000;
constexpr std::uint32_t kVirtioFirstIrq = 5;
constexpr std::uint32_t kIrqCount = 24;  // pins of KVM's IOAPIC
constexpr std::uint32_t kMaxVirtioDevices = kIrqCount - kVirtioFirstIrq;
constexpr GuestAddress kIoApicAddress = 0xfec00000;
constexpr GuestAddress kLocalApicAddress = 0xfee00000;
constexpr GuestAddress kIdentityMapAddress = 0xfffbc000;
constexpr GuestAddress kTssAddress = 0xfffbd000;

constexpr std::uint64_t kMinMemoryBytes = 32 * kMebibyte;
/// So that RAM, hole and RAM that comes later stay far below the 46 address bits every x86-64 server has.
constexpr std::uint64_t kMaxMemoryBytes = 4096 * kGibibyte;
constexpr std::uint32_t kMaxVcpus = 32;

struct MemoryRange {
    GuestAddress start;
    std::uint64_t size;

    GuestAddress end() const { return start + size; }
};

/// Where `memory_bytes` (kMinMemoryBytes … kMaxMemoryBytes) of RAM lie: up to 3 GiB, the rest from 4 GiB.
std::vector<MemoryRange> ram_ranges(std::uint64_t memory_bytes);

/// Where RAM goes that comes while the guest runs: above all RAM of the start, aligned to 1 GiB (a multiple
/// of Linux' memory blocks, 128 MiB).
GuestAddress later_memory_start(std::uint64_t memory_bytes);

}  // namespace nacre::arch
