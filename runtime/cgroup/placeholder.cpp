#include "runtime/cgroup/placeholder.h"

#include <signal.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <utility>

namespace nacre::runtime {

namespace {

[[noreturn]] void wait_for_death(pid_t creator) {
    ::prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (::getppid() != creator)
        ::_exit(0);
    // Streams and locks are the creator's to hold.
    ::syscall(SYS_close_range, 0U, ~0U, 0U);
    for (;;)
        ::pause();
}

}  // namespace

Result<Placeholder> Placeholder::fork() {
    const pid_t creator = ::getpid();
    const pid_t pid = ::fork();
    if (pid < 0)
        return fail_errno("fork a placeholder");
    if (pid == 0)
        wait_for_death(creator);
    return Placeholder(pid);
}

Placeholder::Placeholder(Placeholder&& other) noexcept : pid_(std::exchange(other.pid_, -1)) {}

Placeholder::~Placeholder() {
    if (pid_ <= 0)
        return;
    ::kill(pid_, SIGKILL);
    ::waitpid(pid_, nullptr, 0);
}

}  // namespace nacre::runtime
