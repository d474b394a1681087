#include "runtime/container/foreground.h"

#include <sys/wait.h>

namespace nacre::runtime {

sigset_t block_signals() {
    sigset_t all;
    ::sigfillset(&all);
    ::sigprocmask(SIG_SETMASK, &all, nullptr);
    return all;
}

int wait_for_relay(pid_t relay, const sigset_t& signals) {
    for (;;) {
        int status = 0;
        if (::waitpid(relay, &status, WNOHANG) == relay)
            return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
        siginfo_t information{};
        const int signal = ::sigwaitinfo(&signals, &information);
        if (signal > 0 && signal != SIGCHLD)
            ::kill(relay, signal);
    }
}

}  // namespace nacre::runtime
