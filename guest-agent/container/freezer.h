#pragma once

#include <functional>

#include "guest-agent/container/cgroup.h"
#include "vmm/base/event_loop.h"

namespace nacre::agent {

/// Stops the processes of a cgroup from running, and tells when they have stopped (cgroup.freeze and
/// cgroup.events, cgroup-v2.rst). Belongs to the loop's thread.
class Freezer {
  public:
    using Answer = std::function<void(Result<void>)>;

    /// `cgroup` outlives this.
    Freezer(EventLoop& loop, const Cgroup& cgroup) : loop_(loop), cgroup_(cgroup) {}
    Freezer(const Freezer&) = delete;
    Freezer& operator=(const Freezer&) = delete;
    ~Freezer();

    /// Freezes or thaws; `answer` is called once when that is so, now or later from the loop. A second
    /// request before that takes the place of the first, whose answer is an error.
    void set(bool frozen, Answer answer);

  private:
    Result<void> watch();
    void check();
    void finish(Result<void> result);

    EventLoop& loop_;
    const Cgroup& cgroup_;
    FileDescriptor events_;
    bool wanted_ = false;
    Answer answer_;
};

/// Whether the text of cgroup.events says that its group is frozen.
bool says_frozen(std::string_view events);

}  // namespace nacre::agent
