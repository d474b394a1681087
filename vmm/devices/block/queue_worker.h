#pragma once

#include <atomic>
#include <condition_variable>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <vector>

#include "vmm/base/event_fd.h"
#include "vmm/base/log.h"
#include "vmm/base/rate_limiter.h"
#include "vmm/base/thread.h"
#include "vmm/devices/block/engine.h"
#include "vmm/devices/block/request.h"
#include "vmm/devices/virtio/device.h"

namespace nacre::block {

/// The device's side of one virtqueue, and the thread that serves it: takes requests, has its engine carry
/// them out, and gives them back in the order in which they complete.
///
/// A request under way owns its chain and buffers; stop() returns when none is left, so that nothing writes
/// to guest memory after a reset (the class of CVE-2026-45782). How long that takes is up to the host's
/// storage.
class QueueWorker {
  public:
    static constexpr std::uint16_t queue_size = 128;

    struct Options {
        /// Runs first on the thread: what the jail does to it. May be empty.
        std::function<Result<void>()> on_thread_start;
        MakeEngine make_engine;
        RateLimiter* limiter = nullptr;  // outlives the worker; none: no limit
    };

    /// Starts the thread, which waits. `disk` and `log` outlive the worker.
    static Result<std::unique_ptr<QueueWorker>> create(const Disk& disk, const Options& options, Log& log);
    QueueWorker(const QueueWorker&) = delete;
    QueueWorker& operator=(const QueueWorker&) = delete;
    /// After stop().
    ~QueueWorker();

    /// Serves the queue from now on; `interrupt` lives until stop(). With `write_through` a write is done
    /// only when it is on stable storage (Virtio 1.2, 5.2.6.2: a driver without VIRTIO_BLK_F_FLUSH).
    Result<void> start(virtio::ActiveQueue queue, virtio::Interrupt& interrupt, bool write_through);

    /// When it returns, nothing touches the queue or guest memory any more. From any thread but the worker's,
    /// also when not started.
    void stop();

  private:
    struct InFlight {
        virtio::DescriptorChain chain;
        Operation operation;
    };

    QueueWorker(const Disk& disk, RateLimiter* limiter, Log& log, std::unique_ptr<Engine> engine,
                FileDescriptor epoll, EventFd quit);
    Result<void> watch(int fd, std::uint32_t events, std::uint64_t key) const;
    Result<void> start_thread(const std::function<Result<void>()>& prepare);
    void run();

    // Under the mutex.
    void serve();
    bool serve_once();
    bool take_requests();
    bool must_wait();
    void take(virtio::DescriptorChain chain);
    void begin(virtio::DescriptorChain chain, Operation operation);
    bool take_completions();
    void complete(const Engine::Completion& completion);
    void answer(virtio::DescriptorChain chain, Status status);
    void give_back(virtio::DescriptorChain chain, std::uint32_t written);
    void report(const Operation& operation, int result);
    void mark_broken(const Error& error);
    std::size_t in_flight() const { return requests_.size() - free_.size(); }

    const Disk& disk_;
    RateLimiter* const limiter_;
    Log& log_;
    FileDescriptor epoll_;
    EventFd quit_;
    std::atomic<bool> stopping_ = false;  // ends serve() early, so that stop() gets the mutex

    std::mutex mutex_;
    std::condition_variable idle_;
    std::unique_ptr<Engine> engine_;
    std::optional<virtio::ActiveQueue> active_;
    virtio::Interrupt* interrupt_ = nullptr;
    bool write_through_ = false;
    bool broken_ = false;
    int wait_ms_ = -1;  // until the limiter lets more requests through; -1: none is kept waiting
    std::vector<InFlight> requests_;  // by tag; never resized
    std::vector<std::size_t> free_;   // tags
    std::vector<Engine::Completion> completions_;
    unsigned reports_left_;

    std::optional<Thread> thread_;  // last: it uses all of the above
};

}  // namespace nacre::block
