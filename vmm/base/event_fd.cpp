#include "vmm/base/event_fd.h"

#include <sys/eventfd.h>
#include <unistd.h>

namespace nacre {

Result<EventFd> EventFd::create() {
    FileDescriptor fd(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK));
    if (!fd)
        return fail_errno("create eventfd");
    return EventFd(std::move(fd));
}

void EventFd::signal() const {
    const std::uint64_t one = 1;
    // EAGAIN means the counter is at its maximum: whoever polls is woken anyway.
    [[maybe_unused]] const auto written = ::write(fd_.get(), &one, sizeof one);
}

std::uint64_t EventFd::drain() const {
    std::uint64_t count = 0;
    return ::read(fd_.get(), &count, sizeof count) == sizeof count ? count : 0;
}

}  // namespace nacre
