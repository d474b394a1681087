#pragma once

#include "vmm/arch/image_source.h"
#include "vmm/arch/memory_layout.h"

namespace nacre::arch {

/// Places `image` at the end of the RAM below the MMIO hole, page-aligned. An error if it would reach down to
/// `kernel_end` or is empty.
Result<MemoryRange> load_initramfs(const ImageSource& image, const GuestMemory& memory,
                                   GuestAddress kernel_end);

}  // namespace nacre::arch
