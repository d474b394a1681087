#include "vmm/base/pidfd.h"

#include <poll.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>

namespace nacre {

Result<FileDescriptor> open_pidfd(pid_t pid) {
    FileDescriptor fd(static_cast<int>(::syscall(SYS_pidfd_open, pid, 0)));
    if (!fd)
        return fail_errno("open process {}", pid);
    return fd;
}

bool wait_for_end(int pidfd, int timeout_ms) {
    pollfd entry{pidfd, POLLIN, 0};
    int ready = 0;
    do {
        ready = ::poll(&entry, 1, timeout_ms);
    } while (ready < 0 && errno == EINTR);
    return ready > 0;
}

Result<void> send_signal(int pidfd, int signal) {
    if (::syscall(SYS_pidfd_send_signal, pidfd, signal, nullptr, 0) < 0 && errno != ESRCH)
        return fail_errno("send signal {}", signal);
    return {};
}

}  // namespace nacre
