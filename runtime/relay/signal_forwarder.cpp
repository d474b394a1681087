#include "runtime/relay/signal_forwarder.h"

#include <signal.h>
#include <sys/signalfd.h>
#include <unistd.h>

namespace nacre::runtime {

namespace {

/// All signals but those that our own faults raise and SIGCHLD, which our own children raise.
sigset_t forwarded_signals() {
    sigset_t set;
    ::sigfillset(&set);
    for (const int own : {SIGSEGV, SIGBUS, SIGILL, SIGFPE, SIGABRT, SIGTRAP, SIGSYS, SIGCHLD, SIGPIPE})
        ::sigdelset(&set, own);
    return set;
}

}  // namespace

Result<SignalForwarder> SignalForwarder::create() {
    ::signal(SIGPIPE, SIG_IGN);
    const sigset_t set = forwarded_signals();
    if (::sigprocmask(SIG_SETMASK, &set, nullptr) < 0)
        return fail_errno("block signals");
    FileDescriptor fd(::signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK));
    if (!fd)
        return fail_errno("create signalfd");
    return SignalForwarder(std::move(fd));
}

int SignalForwarder::take() const {
    signalfd_siginfo information{};
    if (::read(signals_.get(), &information, sizeof information) != sizeof information)
        return 0;
    return static_cast<int>(information.ssi_signo);
}

}  // namespace nacre::runtime
