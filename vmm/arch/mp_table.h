#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "vmm/memory/guest_memory.h"

namespace nacre::arch {

/// The MP table (Intel MultiProcessor Specification 1.4, chapter 4) of a machine with `vcpus` (1 … 32)
/// processors whose APIC IDs are 0 … vcpus-1, one IOAPIC, and ISA interrupts 0 … 23 wired to its pins of the
/// same number, edge-triggered and active high. The floating pointer structure comes first and the
/// configuration table right behind it; `address` is where the bytes will lie in the guest.
std::vector<std::byte> mp_table(std::uint32_t vcpus, std::uint32_t address);

/// Writes it to kMpTableAddress, where the kernel looks for it.
Result<void> write_mp_table(const GuestMemory& memory, std::uint32_t vcpus);

}  // namespace nacre::arch
