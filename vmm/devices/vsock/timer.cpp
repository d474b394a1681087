#include "vmm/devices/vsock/timer.h"

#include <sys/timerfd.h>
#include <unistd.h>

namespace nacre::vsock {

Result<std::unique_ptr<Timer>> Timer::create(EventLoop& loop, std::function<void()> on_fire) {
    // CLOCK_MONOTONIC is what std::chrono::steady_clock reads on Linux.
    FileDescriptor fd(::timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC | TFD_NONBLOCK));
    if (!fd)
        return fail_errno("create a timer");
    std::unique_ptr<Timer> timer(new Timer(loop, std::move(fd), std::move(on_fire)));
    NACRE_TRY(loop.add(timer->timer_.get(), EPOLLIN, [raw = timer.get()](std::uint32_t) { raw->fired(); }));
    return timer;
}

Timer::Timer(EventLoop& loop, FileDescriptor timer, std::function<void()> on_fire)
    : loop_(loop), timer_(std::move(timer)), on_fire_(std::move(on_fire)) {}

Timer::~Timer() {
    loop_.remove(timer_.get());
}

void Timer::arm(TimePoint when) {
    if (armed_ && *armed_ <= when)
        return;
    using std::chrono::nanoseconds;
    using std::chrono::seconds;
    const auto since_start = when.time_since_epoch();
    const auto whole = std::chrono::floor<seconds>(since_start);
    itimerspec setting{};
    setting.it_value.tv_sec = whole.count();
    setting.it_value.tv_nsec = std::chrono::duration_cast<nanoseconds>(since_start - whole).count();
    // Fails only for times out of range, which steady_clock does not reach.
    ::timerfd_settime(timer_.get(), TFD_TIMER_ABSTIME, &setting, nullptr);
    armed_ = when;
}

void Timer::fired() {
    std::uint64_t expirations = 0;
    if (::read(timer_.get(), &expirations, sizeof(expirations)) < 0)
        return;
    armed_.reset();
    on_fire_();
}

}  // namespace nacre::vsock
