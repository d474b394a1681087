#include "runtime/state/process_identity.h"

#include <doctest/doctest.h>
#include <poll.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

using namespace nacre::runtime;

namespace {

/// A child that waits to be killed.
class Child {
  public:
    explicit Child(const char* name) : pid_(::fork()) {
        if (pid_ == 0) {
            ::prctl(PR_SET_NAME, name);
            for (;;)
                ::pause();
        }
    }
    ~Child() { reap(); }

    pid_t pid() const { return pid_; }

    /// Kills it; it stays a zombie until reap().
    void kill_and_wait() const {
        ::kill(pid_, SIGKILL);
        siginfo_t info{};
        ::waitid(P_PID, static_cast<id_t>(pid_), &info, WEXITED | WNOWAIT);
    }
    void reap() {
        if (pid_ <= 0)
            return;
        ::kill(pid_, SIGKILL);
        ::waitpid(pid_, nullptr, 0);
        pid_ = -1;
    }

  private:
    pid_t pid_;
};

}  // namespace

TEST_CASE("no process is not alive") {
    CHECK_FALSE(is_alive({}));
    CHECK_FALSE(is_alive({-1, 0}));
    CHECK(open_process({}).error().code == ESRCH);
}

TEST_CASE("another process with the same pid is not the one that was meant") {
    auto self = identify_process(::getpid()).value();
    CHECK(is_alive(self));
    CHECK(open_process(self));
    self.start_time -= 1;
    CHECK_FALSE(is_alive(self));
    CHECK(open_process(self).error().code == ESRCH);
}

TEST_CASE("a process that has ended is dead before it is reaped, and gone afterwards") {
    Child child("worker");
    const auto identity = identify_process(child.pid()).value();
    CHECK(is_alive(identity));
    child.kill_and_wait();
    CHECK_FALSE(is_alive(identity));
    child.reap();
    CHECK_FALSE(is_alive(identity));
    CHECK(identify_process(identity.pid).error().code == ESRCH);
    CHECK(open_process(identity).error().code == ESRCH);
}

TEST_CASE("a pidfd becomes readable when the process ends") {
    Child child("worker");
    const auto pidfd = open_process(identify_process(child.pid()).value());
    REQUIRE(pidfd);
    child.kill_and_wait();
    pollfd ready{pidfd->get(), POLLIN, 0};
    CHECK(::poll(&ready, 1, 0) == 1);
}
