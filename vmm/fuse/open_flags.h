#pragma once

#include <fcntl.h>

#include <cstdint>

#include "vmm/fuse/outcome.h"

namespace nacre::fuse {

/// What of the guest's open(2) flags concerns the host's file; EINVAL for an access mode that does not exist.
///
/// O_APPEND is not among them: it is done write by write (FUSE_WRITE carries the flags of the moment), so
/// that pages which the guest's kernel writes back land where they belong. Nor is O_DIRECT: the guest
/// bypasses its own cache, the host keeps its, and no host alignment rule reaches the guest. Creation flags
/// are the callers'.
inline Outcome<int> host_open_flags(std::uint32_t guest_flags) {
    constexpr std::uint32_t passed_on = O_ACCMODE | O_TRUNC | O_NOATIME | O_SYNC | O_DSYNC;
    if ((guest_flags & O_ACCMODE) == O_ACCMODE)
        return refuse(EINVAL);
    return static_cast<int>(guest_flags & passed_on);
}

}  // namespace nacre::fuse
