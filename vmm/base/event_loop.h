#pragma once

#include <sys/epoll.h>

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <thread>
#include <unordered_map>
#include <utility>
#include <vector>

#include "vmm/base/event_fd.h"

namespace nacre {

/// An epoll(7) loop that one thread runs. Handlers are called on that thread only; all functions but post(),
/// stop() and in_loop_thread() belong to it too (or to the time before run()).
class EventLoop {
  public:
    /// `events` are the EPOLL* bits that are ready.
    using Handler = std::function<void(std::uint32_t events)>;
    using Task = std::function<void()>;
    using Clock = std::chrono::steady_clock;

    static Result<std::unique_ptr<EventLoop>> create();
    EventLoop(const EventLoop&) = delete;
    EventLoop& operator=(const EventLoop&) = delete;
    ~EventLoop();

    /// Calls `handler` whenever one of `events` is ready on `fd` (level-triggered). The caller keeps `fd`
    /// open until remove().
    Result<void> add(int fd, std::uint32_t events, Handler handler);

    /// Changes what is waited for; 0 waits for EPOLLHUP and EPOLLERR alone.
    Result<void> modify(int fd, std::uint32_t events);

    /// Forgets `fd`; its handler is not called again, even for events already fetched. Safe inside any
    /// handler.
    void remove(int fd);

    /// Runs `task` on the loop's thread, in order; wakes the loop. From any thread.
    void post(Task task);

    /// Like post(), and waits until it has run. From any thread; runs at once when called on the loop's own
    /// thread or while no thread runs the loop.
    void run_in_loop(const Task& task);

    /// Runs `task` once, not before `time` and at most about a millisecond after it if nothing else is to be
    /// done.
    void run_at(Clock::time_point time, Task task);

    /// Handles events until stop(). Returns an error only if epoll itself fails.
    Result<void> run();

    /// Handles what is ready within `timeout_ms` (-1: without limit), once.
    Result<void> run_once(int timeout_ms);

    /// Makes run() return after the handlers now running. From any thread.
    void stop();

  private:
    struct Registration {
        int fd;
        Handler handler;
    };

    EventLoop(FileDescriptor epoll, EventFd wake);
    void run_posted_tasks();
    int wait_time(int timeout_ms) const;
    void run_due_tasks();
    void dispatch(std::uint64_t key, std::uint32_t events);
    bool in_loop_thread() const;

    FileDescriptor epoll_;
    EventFd wake_;
    std::unordered_map<std::uint64_t, std::shared_ptr<Registration>> registrations_;
    std::unordered_map<int, std::uint64_t> keys_;
    std::uint64_t next_key_ = 1;
    std::vector<std::pair<Clock::time_point, Task>> later_;  // in no order: few

    mutable std::mutex mutex_;
    std::vector<Task> tasks_;
    std::thread::id owner_;
    bool stopping_ = false;
};

}  // namespace nacre
