#pragma once

#include <fcntl.h>

#include <cstdint>

namespace nacre::fuse {

/// What of the guest's open(2) flags concerns the host's file. Access mode 3, which is neither reading nor writing
/// (open(2), "Access mode"), is reading here: the guest's kernel lets nobody read through its descriptor.
///
/// O_APPEND is not among them: it is done write by write (FUSE_WRITE carries the flags of the moment), so
/// that pages which the guest's kernel writes back land where they belong. Nor is O_DIRECT: the guest
/// bypasses its own cache, the host keeps its, and no host alignment rule reaches the guest. Creation flags
/// are the callers'.
inline int host_open_flags(std::uint32_t guest_flags) {
    constexpr std::uint32_t passed_on = O_ACCMODE | O_TRUNC | O_NOATIME | O_SYNC | O_DSYNC;
    if ((guest_flags & O_ACCMODE) == O_ACCMODE)
        guest_flags &= ~static_cast<std::uint32_t>(O_ACCMODE);
    return static_cast<int>(guest_flags & passed_on);
}

}  // namespace nacre::fuse
