#include "vmm/base/event_loop.h"

#include <algorithm>
#include <array>
#include <cerrno>
#include <condition_variable>

namespace nacre {

namespace {

constexpr std::uint64_t wake_key = 0;

/// What fits into epoll_wait(2)'s time; a later task is looked at again then.
constexpr std::chrono::hours longest_wait(1);

}  // namespace

Result<std::unique_ptr<EventLoop>> EventLoop::create() {
    FileDescriptor epoll(::epoll_create1(EPOLL_CLOEXEC));
    if (!epoll)
        return fail_errno("create epoll instance");
    NACRE_ASSIGN(auto wake, EventFd::create());
    epoll_event event{};
    event.events = EPOLLIN;
    event.data.u64 = wake_key;
    if (::epoll_ctl(epoll.get(), EPOLL_CTL_ADD, wake.fd(), &event) < 0)
        return fail_errno("watch the event loop's own eventfd");
    return std::unique_ptr<EventLoop>(new EventLoop(std::move(epoll), std::move(wake)));
}

EventLoop::EventLoop(FileDescriptor epoll, EventFd wake) : epoll_(std::move(epoll)), wake_(std::move(wake)) {}

EventLoop::~EventLoop() = default;

Result<void> EventLoop::add(int fd, std::uint32_t events, Handler handler) {
    const std::uint64_t key = next_key_++;
    epoll_event event{};
    event.events = events;
    event.data.u64 = key;
    if (::epoll_ctl(epoll_.get(), EPOLL_CTL_ADD, fd, &event) < 0)
        return fail_errno("watch file descriptor {}", fd);
    registrations_[key] = std::make_shared<Registration>(Registration{fd, std::move(handler)});
    keys_[fd] = key;
    return {};
}

Result<void> EventLoop::modify(int fd, std::uint32_t events) {
    const auto found = keys_.find(fd);
    if (found == keys_.end())
        return fail("change events of file descriptor {}: it is not watched", fd);
    epoll_event event{};
    event.events = events;
    event.data.u64 = found->second;
    if (::epoll_ctl(epoll_.get(), EPOLL_CTL_MOD, fd, &event) < 0)
        return fail_errno("change events of file descriptor {}", fd);
    return {};
}

void EventLoop::remove(int fd) {
    const auto found = keys_.find(fd);
    if (found == keys_.end())
        return;
    ::epoll_ctl(epoll_.get(), EPOLL_CTL_DEL, fd, nullptr);
    registrations_.erase(found->second);
    keys_.erase(found);
}

void EventLoop::post(Task task) {
    {
        const std::lock_guard lock(mutex_);
        tasks_.push_back(std::move(task));
    }
    wake_.signal();
}

void EventLoop::run_in_loop(const Task& task) {
    if (in_loop_thread()) {
        task();
        return;
    }
    std::mutex done_mutex;
    std::condition_variable condition;
    bool done = false;
    post([&] {
        task();
        const std::lock_guard lock(done_mutex);
        done = true;
        condition.notify_one();
    });
    std::unique_lock lock(done_mutex);
    condition.wait(lock, [&] { return done; });
}

bool EventLoop::in_loop_thread() const {
    const std::lock_guard lock(mutex_);
    return owner_ == std::thread::id() || owner_ == std::this_thread::get_id();
}

void EventLoop::run_at(Clock::time_point time, Task task) {
    later_.emplace_back(time, std::move(task));
}

Result<void> EventLoop::run() {
    {
        const std::lock_guard lock(mutex_);
        owner_ = std::this_thread::get_id();
    }
    Result<void> result;
    while (result) {
        {
            const std::lock_guard lock(mutex_);
            if (stopping_)
                break;
        }
        result = run_once(-1);
    }
    run_posted_tasks();
    const std::lock_guard lock(mutex_);
    owner_ = {};
    stopping_ = false;
    return result;
}

Result<void> EventLoop::run_once(int timeout_ms) {
    std::array<epoll_event, 64> ready{};
    const int count =
        ::epoll_wait(epoll_.get(), ready.data(), static_cast<int>(ready.size()), wait_time(timeout_ms));
    if (count < 0 && errno != EINTR)
        return fail_errno("wait for events");
    for (int i = 0; i < count; ++i)
        dispatch(ready[static_cast<std::size_t>(i)].data.u64, ready[static_cast<std::size_t>(i)].events);
    if (!later_.empty())
        run_due_tasks();
    return {};
}

/// Of the wait for events: no longer than to the next task of run_at().
int EventLoop::wait_time(int timeout_ms) const {
    using Milliseconds = std::chrono::duration<int, std::milli>;
    for (const auto& [time, task] : later_) {
        const auto left =
            std::clamp(time - Clock::now(), Clock::duration::zero(), Clock::duration(longest_wait));
        const int wait = std::chrono::ceil<Milliseconds>(left).count();
        timeout_ms = timeout_ms < 0 ? wait : std::min(timeout_ms, wait);
    }
    return timeout_ms;
}

void EventLoop::run_due_tasks() {
    const auto now = Clock::now();
    std::vector<std::pair<Clock::time_point, Task>> tasks;  // which may add others
    tasks.swap(later_);
    for (auto& entry : tasks) {
        if (entry.first > now)
            later_.push_back(std::move(entry));
        else
            entry.second();
    }
}

void EventLoop::dispatch(std::uint64_t key, std::uint32_t events) {
    if (key == wake_key) {
        wake_.drain();
        run_posted_tasks();
        return;
    }
    // Keys are never reused, so an event fetched before remove() finds nothing here; the copy keeps a handler
    // that removes itself alive until it returns.
    const auto found = registrations_.find(key);
    if (found == registrations_.end())
        return;
    const auto registration = found->second;
    registration->handler(events);
}

void EventLoop::run_posted_tasks() {
    std::vector<Task> tasks;
    {
        const std::lock_guard lock(mutex_);
        tasks.swap(tasks_);
    }
    for (auto& task : tasks)
        task();
}

void EventLoop::stop() {
    {
        const std::lock_guard lock(mutex_);
        stopping_ = true;
    }
    wake_.signal();
}

}  // namespace nacre
