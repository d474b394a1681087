#pragma once

#include <chrono>
#include <functional>
#include <memory>
#include <optional>

#include "vmm/base/event_loop.h"
#include "vmm/base/file_descriptor.h"

namespace nacre::vsock {

/// Calls back on an event loop's thread at the earliest of the times it was asked for (timerfd(2)). Belongs
/// to that thread.
class Timer {
  public:
    using TimePoint = std::chrono::steady_clock::time_point;

    static Result<std::unique_ptr<Timer>> create(EventLoop& loop, std::function<void()> on_fire);
    Timer(const Timer&) = delete;
    Timer& operator=(const Timer&) = delete;
    ~Timer();

    /// Fires at `when`, unless it fires before that anyway.
    void arm(TimePoint when);

  private:
    Timer(EventLoop& loop, FileDescriptor timer, std::function<void()> on_fire);
    void fired();

    EventLoop& loop_;
    FileDescriptor timer_;
    std::function<void()> on_fire_;
    std::optional<TimePoint> armed_;
};

}  // namespace nacre::vsock
