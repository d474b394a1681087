#pragma once

#include <functional>
#include <memory>
#include <optional>

#include "vmm/base/event_loop.h"
#include "vmm/base/log.h"
#include "vmm/base/thread.h"

namespace nacre::net {

/// A thread that runs an event loop; both end with the object.
class LoopThread {
  public:
    /// `prepare` runs first on the thread (what the jail does to it) and may be empty; its error is the
    /// result. `log` outlives the object.
    static Result<std::unique_ptr<LoopThread>> start(const std::function<Result<void>()>& prepare, Log& log);
    LoopThread(const LoopThread&) = delete;
    LoopThread& operator=(const LoopThread&) = delete;
    ~LoopThread() { loop_->stop(); }

    EventLoop& loop() { return *loop_; }

    /// What `task` returns, which runs on the thread. From any thread.
    Result<void> call(const std::function<Result<void>()>& task);

  private:
    explicit LoopThread(std::unique_ptr<EventLoop> loop) : loop_(std::move(loop)) {}

    std::unique_ptr<EventLoop> loop_;
    std::optional<Thread> thread_;  // last: it uses the loop
};

}  // namespace nacre::net
