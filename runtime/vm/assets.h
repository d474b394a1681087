#pragma once

#include <string>

#include "vmm/base/result.h"

namespace nacre::runtime {

/// The installed files that a VM is made of.
struct Assets {
    std::string kernel;     // uncompressed vmlinux
    std::string initramfs;  // the agent's image
    std::string vmm;        // the nacre-vmm binary
};

/// Where they are: the environment's NACRE_KERNEL, NACRE_INITRAMFS, NACRE_VMM, or else relative to the
/// running binary
/// (`vmm` beside it, the others in ../share/nacre). An error names the first one that is not a readable file.
Result<Assets> find_assets();

}  // namespace nacre::runtime
