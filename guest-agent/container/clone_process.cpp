#include "guest-agent/container/clone_process.h"

#include <linux/sched.h>
#include <signal.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <limits>
#include <vector>

namespace nacre::agent {

Result<pid_t> clone_process(std::uint64_t flags, int cgroup) {
    clone_args arguments{};
    arguments.flags = flags;
    // A sibling has the caller's own exit signal; the kernel wants none named then.
    arguments.exit_signal = (flags & CLONE_PARENT) != 0 ? 0 : SIGCHLD;
    if (cgroup >= 0) {
        arguments.flags |= CLONE_INTO_CGROUP;
        arguments.cgroup = static_cast<std::uint64_t>(cgroup);
    }
    const auto pid = ::syscall(SYS_clone3, &arguments, sizeof arguments);
    if (pid < 0)
        return fail_errno("make process");
    return static_cast<pid_t>(pid);
}

void close_other_descriptors(std::span<const int> keep) {
    std::vector<int> sorted(keep.begin(), keep.end());
    std::ranges::sort(sorted);
    unsigned first = STDERR_FILENO + 1;
    for (const int fd : sorted) {
        const auto kept = static_cast<unsigned>(fd);
        if (fd < 0 || kept < first)
            continue;
        if (kept > first)
            ::syscall(SYS_close_range, first, kept - 1, 0);
        first = kept + 1;
    }
    ::syscall(SYS_close_range, first, std::numeric_limits<unsigned>::max(), 0);
}

}  // namespace nacre::agent
