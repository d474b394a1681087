#include "runtime/container/foreground.h"

#include <sys/wait.h>

namespace nacre::runtime {

Result<Foreground> Foreground::begin(int terminal) {
    sigset_t all;
    ::sigfillset(&all);
    ::sigprocmask(SIG_SETMASK, &all, nullptr);
    if (terminal < 0)
        return Foreground(all, std::nullopt);
    NACRE_ASSIGN(auto raw, RawTerminal::enter(terminal));
    return Foreground(all, std::move(raw));
}

int Foreground::wait_for(pid_t relay) const {
    for (;;) {
        int status = 0;
        if (::waitpid(relay, &status, WNOHANG) == relay)
            return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
        siginfo_t information{};
        const int signal = ::sigwaitinfo(&signals_, &information);
        if (signal > 0 && signal != SIGCHLD)
            ::kill(relay, signal);
    }
}

}  // namespace nacre::runtime
