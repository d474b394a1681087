#pragma once

#include <memory>

#include "vmm/base/file_descriptor.h"

namespace nacre::net {

/// One queue of a tap interface: a descriptor of which each read or write is one frame, with a FrameHeader in
/// front. Functions belong to one thread at a time.
class Tap {
  public:
    virtual ~Tap() = default;

    /// Does not block.
    virtual int fd() const = 0;

    /// What the host may send without having finished it: TUN_F_* of <linux/if_tun.h>. For the interface
    /// with all its queues; the queue must be attached.
    virtual Result<void> set_offloads(unsigned flags) = 0;

    /// Whether the host's kernel spreads frames over this queue, too. A queue is attached at first; what it
    /// holds is gone when it is detached.
    virtual Result<void> set_attached(bool attached) = 0;
};

/// The queue of the host's kernel behind `fd`, opened with IFF_TAP | IFF_NO_PI | IFF_VNET_HDR and a header of
/// 12 bytes, and IFF_MULTI_QUEUE if it is one of `several`. An error for anything else, as far as the kernel
/// tells: not of IFF_NO_PI. Makes the descriptor non-blocking. Needs no capability, in whichever network
/// namespace the interface is.
Result<std::unique_ptr<Tap>> open_tap(FileDescriptor fd, bool several);

}  // namespace nacre::net
