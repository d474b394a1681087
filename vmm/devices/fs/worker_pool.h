#pragma once

#include <cstddef>
#include <functional>
#include <memory>
#include <mutex>
#include <vector>

#include "vmm/base/event_fd.h"
#include "vmm/base/file_descriptor.h"
#include "vmm/base/log.h"
#include "vmm/base/thread.h"
#include "vmm/fuse/worker.h"

namespace nacre::fs {

/// The threads that serve requests. One starts with the pool; each other one when all that there are have
/// work, up to `max_threads`, and stays. Threads are started by threads of the pool only, so that all have
/// the capabilities and filters that the first one was given.
class WorkerPool {
  public:
    struct Options {
        unsigned max_threads = 4;
        /// Runs first on every thread: what the jail does to it. May be empty.
        std::function<Result<void>()> on_thread_start;
    };

    /// Serves the queue numbered `queue` until nothing is left to do; called on several threads at once.
    using Serve = std::function<void(fuse::Worker& worker, std::size_t queue)>;

    /// Fails when the first thread cannot start its work. All references outlive the pool.
    static Result<std::unique_ptr<WorkerPool>> create(fuse::FileSystem& file_system, Options options,
                                                      Serve serve, Log& log);
    WorkerPool(const WorkerPool&) = delete;
    WorkerPool& operator=(const WorkerPool&) = delete;

    /// Waits for what the threads are doing; nothing is served afterwards.
    ~WorkerPool();

    /// From now on every signal of `kick` makes one thread serve `queue`. The counter of `kick` is not read.
    Result<void> watch(const EventFd& kick, std::size_t queue);
    void unwatch(const EventFd& kick);

    /// To be called by Serve when it has taken up a request that may keep it: sees to it that another thread
    /// is there for the next one, as far as max_threads allows.
    void about_to_work();
    void done_working();

  private:
    WorkerPool(fuse::FileSystem& file_system, Options options, Serve serve, Log& log, FileDescriptor epoll,
               EventFd stop);
    Result<void> start_first_thread();
    Result<void> start_thread(std::function<void(Result<void>)> started);
    Result<std::unique_ptr<fuse::Worker>> prepare_thread();
    void run(fuse::Worker& worker);

    fuse::FileSystem& file_system_;
    Options options_;
    Serve serve_;
    Log& log_;
    FileDescriptor epoll_;
    EventFd stop_;

    std::mutex mutex_;
    std::vector<Thread> threads_;
    std::size_t starting_or_running_ = 0;
    std::size_t working_ = 0;
    bool stopping_ = false;
};

}  // namespace nacre::fs
