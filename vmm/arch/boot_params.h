#pragma once

#include <string>

#include "vmm/arch/memory_layout.h"

namespace nacre::arch {

/// What the kernel is told at its entry.
struct BootInfo {
    std::string command_line;
    MemoryRange initramfs;
    std::uint64_t memory_bytes;
};

/// Writes boot_params (struct boot_params, Documentation/arch/x86/zero-page.rst), the e820 map, the command
/// line and 32 bytes from getrandom(2) for the kernel's random numbers (SETUP_RNG_SEED). Fails when the
/// command line is too long.
Result<void> write_boot_params(const GuestMemory& memory, const BootInfo& info);

}  // namespace nacre::arch
