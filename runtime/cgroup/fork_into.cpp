#include "runtime/cgroup/fork_into.h"

#include <fcntl.h>
#include <linux/sched.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cstdint>

#include "vmm/base/file.h"

namespace nacre::runtime {

namespace {

/// Where libc keeps the thread's id, which its own fork renews in the child; null if the kernel does not tell.
void* place_of_thread_id() {
    void* place = nullptr;
    return ::prctl(PR_GET_TID_ADDRESS, &place) == 0 ? place : nullptr;
}

/// As fork(2); also -1 where the kernel cannot do it.
pid_t clone_into(const std::string& directory) {
    void* const thread_id = place_of_thread_id();
    const auto cgroup = open_file(directory, O_PATH | O_DIRECTORY);
    if (thread_id == nullptr || !cgroup)
        return -1;
    clone_args arguments{};
    arguments.flags = CLONE_INTO_CGROUP | CLONE_CHILD_SETTID | CLONE_CHILD_CLEARTID;
    arguments.child_tid = reinterpret_cast<std::uintptr_t>(thread_id);  // the kernel takes pointers as numbers
    arguments.exit_signal = SIGCHLD;
    arguments.cgroup = static_cast<std::uint64_t>(cgroup->get());
    return static_cast<pid_t>(::syscall(SYS_clone3, &arguments, sizeof arguments));
}

}  // namespace

Result<Forked> fork_into(const std::string& directory) {
    const pid_t cloned = directory.empty() ? -1 : clone_into(directory);
    if (cloned >= 0)
        return Forked{cloned, true};
    const pid_t pid = ::fork();
    if (pid < 0)
        return fail_errno("fork");
    return Forked{pid, false};
}

}  // namespace nacre::runtime
