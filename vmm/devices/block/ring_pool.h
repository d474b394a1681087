#pragma once

#include <optional>
#include <string>
#include <vector>

#include "vmm/devices/block/ring.h"

namespace nacre::block {

/// The rings of a VM, for disks that come and go: made while the process may make rings, lent and given back
/// in its jail, where nobody may. Not thread-safe.
class RingPool {
  public:
    /// `count` rings for `depth` operations each; fewer, or none, where the host's kernel refuses them.
    RingPool(unsigned count, unsigned depth);

    /// An idle ring, to be given back idle. The error says why there is none.
    Result<Ring> take();
    void give_back(Ring ring);

  private:
    std::vector<Ring> idle_;
    std::string why_none_ = "all io_uring instances of this virtual machine are in use";
};

}  // namespace nacre::block
