#pragma once

#include "vmm/arch/image_source.h"
#include "vmm/memory/guest_memory.h"

namespace nacre::arch {

struct LoadedKernel {
    GuestAddress entry;  // physical address of the 64-bit entry point
    GuestAddress end;    // first byte after the highest segment, bss included
};

/// Loads a vmlinux (64-bit little-endian x86-64 ELF executable, System V gABI chapters 4 and 5) to the
/// physical addresses of its PT_LOAD segments, which must lie in the RAM from 1 MiB up and not overlap.
/// `memory` must still be all zeroes, which is what bss stays.
///
/// Nothing in `image` is trusted: any byte string gives a kernel or an error, in time and memory that do not
/// depend on what its headers say.
Result<LoadedKernel> load_kernel(const ImageSource& image, const GuestMemory& memory);

}  // namespace nacre::arch
