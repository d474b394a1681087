#include "vmm/devices/fs/worker_pool.h"

#include <sys/epoll.h>

#include <future>

namespace nacre::fs {

namespace {

constexpr std::size_t stack_bytes = 256 * 1024;

/// epoll's user data for "stop"; queues have their number.
constexpr std::uint64_t stop_key = ~std::uint64_t{0};

Result<void> add_to_epoll(int epoll, int fd, std::uint32_t events, std::uint64_t key) {
    epoll_event event{};
    event.events = events;
    event.data.u64 = key;
    if (epoll_ctl(epoll, EPOLL_CTL_ADD, fd, &event) < 0)
        return fail_errno("virtio-fs: cannot wait for a queue");
    return {};
}

}  // namespace

Result<std::unique_ptr<WorkerPool>> WorkerPool::create(fuse::FileSystem& file_system, Options options,
                                                       Serve serve, Log& log) {
    FileDescriptor epoll(epoll_create1(EPOLL_CLOEXEC));
    if (!epoll)
        return fail_errno("virtio-fs: cannot create an epoll instance");
    NACRE_ASSIGN(auto stop, EventFd::create());
    NACRE_TRY(add_to_epoll(epoll.get(), stop.fd(), EPOLLIN, stop_key));
    std::unique_ptr<WorkerPool> pool(new WorkerPool(file_system, std::move(options), std::move(serve), log,
                                                    std::move(epoll), std::move(stop)));
    NACRE_TRY(pool->start_first_thread());
    return pool;
}

WorkerPool::WorkerPool(fuse::FileSystem& file_system, Options options, Serve serve, Log& log,
                       FileDescriptor epoll, EventFd stop)
    : file_system_(file_system),
      options_(std::move(options)),
      serve_(std::move(serve)),
      log_(log),
      epoll_(std::move(epoll)),
      stop_(std::move(stop)) {}

WorkerPool::~WorkerPool() {
    std::vector<Thread> ending;
    {
        const std::lock_guard lock(mutex_);
        stopping_ = true;  // no thread is added from here on
        ending.swap(threads_);
    }
    stop_.signal();  // never read: wakes all of them
}

/// The kick's counter only grows, so edge-triggered waiting reports each signal once, to one thread, without
/// a read(2) for it.
Result<void> WorkerPool::watch(const EventFd& kick, std::size_t queue) {
    return add_to_epoll(epoll_.get(), kick.fd(), EPOLLIN | EPOLLET, queue);
}

void WorkerPool::unwatch(const EventFd& kick) {
    epoll_ctl(epoll_.get(), EPOLL_CTL_DEL, kick.fd(), nullptr);
}

Result<void> WorkerPool::start_first_thread() {
    auto promise = std::make_shared<std::promise<Result<void>>>();  // the thread may be in it when we leave
    auto started = promise->get_future();
    ++starting_or_running_;
    NACRE_TRY(start_thread([promise](Result<void> result) { promise->set_value(std::move(result)); }));
    return started.get();
}

/// `started` is called on the new thread.
Result<void> WorkerPool::start_thread(std::function<void(Result<void>)> started) {
    auto thread = Thread::start("virtio-fs", stack_bytes, [this, started = std::move(started)] {
        auto worker = prepare_thread();
        if (!worker)
            return started(tl::unexpected(std::move(worker).error()));
        started({});
        run(**worker);
    });
    if (!thread)
        return tl::unexpected(std::move(thread).error());
    const std::lock_guard lock(mutex_);
    threads_.push_back(std::move(*thread));
    return {};
}

Result<std::unique_ptr<fuse::Worker>> WorkerPool::prepare_thread() {
    if (options_.on_thread_start)
        NACRE_TRY(options_.on_thread_start());
    return fuse::Worker::create(file_system_);
}

void WorkerPool::run(fuse::Worker& worker) {
    for (;;) {
        epoll_event event{};
        if (epoll_wait(epoll_.get(), &event, 1, -1) <= 0)
            continue;  // EINTR: of a debugger, signals are blocked
        if (event.data.u64 == stop_key)
            return;
        serve_(worker, event.data.u64);
    }
}

void WorkerPool::about_to_work() {
    {
        const std::lock_guard lock(mutex_);
        ++working_;
        if (stopping_ || working_ < starting_or_running_ || starting_or_running_ >= options_.max_threads)
            return;
        ++starting_or_running_;
    }
    const auto result = start_thread([this](const Result<void>& outcome) {
        if (!outcome)
            log_.write(LogLevel::warning, "virtio-fs: {}", outcome.error().message);
    });
    if (!result)
        log_.write(LogLevel::warning, "virtio-fs: {}", result.error().message);
}

void WorkerPool::done_working() {
    const std::lock_guard lock(mutex_);
    --working_;
}

}  // namespace nacre::fs
