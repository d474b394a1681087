#include "vmm/base/pidfd.h"

#include <doctest/doctest.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

using namespace nacre;

namespace {

pid_t fork_sleeper() {
    const pid_t pid = ::fork();
    if (pid == 0) {
        ::pause();
        ::_exit(0);
    }
    return pid;
}

}  // namespace

TEST_CASE("a process that does not exist cannot be opened") {
    CHECK(open_pidfd(0x3fffffff).error().code == ESRCH);
}

TEST_CASE("a running process has not ended; a killed one has, before and after it is reaped") {
    const pid_t pid = fork_sleeper();
    const auto pidfd = open_pidfd(pid);
    REQUIRE(pidfd.has_value());
    CHECK_FALSE(wait_for_end(pidfd->get(), 0));
    CHECK(send_signal(pidfd->get(), SIGKILL).has_value());
    CHECK(wait_for_end(pidfd->get(), -1));
    REQUIRE(::waitpid(pid, nullptr, 0) == pid);
    CHECK(wait_for_end(pidfd->get(), 0));
    CHECK(send_signal(pidfd->get(), SIGKILL).has_value());
}

TEST_CASE("a signal that does not exist is an error") {
    const auto self = open_pidfd(::getpid());
    REQUIRE(self.has_value());
    CHECK(send_signal(self->get(), 1000).error().code == EINVAL);
}
