#pragma once

#include <cstdint>

#include "runtime/cgroup/cgroup.h"

namespace nacre::runtime {

/// How many processes of the cgroup the kernel has killed for want of memory, whoever's limit it was, its
/// own, one above it or the host's: "oom_kill" of memory.events, on v1 of memory.oom_control. 0 where that
/// cannot be read.
std::uint64_t oom_kills_in(const CgroupPlace& place);

/// Tells OOM kills of the host's kernel in a container's cgroup from those that were made to count there
/// (oom_kill.h). Belongs to one thread.
class HostOomKills {
  public:
    /// `place` outlives it. What has been counted so far does not matter.
    explicit HostOomKills(const CgroupPlace& place) : place_(place), known_(oom_kills_in(place)) {}

    /// The cgroup has been made to count one of the guest's.
    void forget() { known_ = oom_kills_in(place_); }

    bool any() const { return oom_kills_in(place_) > known_; }

  private:
    const CgroupPlace& place_;
    std::uint64_t known_;
};

}  // namespace nacre::runtime
