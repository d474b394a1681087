#include "vmm/devices/block/queue_worker.h"

#include <sys/epoll.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <future>
#include <string_view>

namespace nacre::block {

namespace {

constexpr std::size_t stack_bytes = 256 * 1024;

/// Errors of the disk that make a line in the log; a guest can provoke any number.
constexpr unsigned max_reports = 16;

// epoll's user data.
constexpr std::uint64_t kick_key = 0;
constexpr std::uint64_t completion_key = 1;
constexpr std::uint64_t quit_key = 2;

/// Of outcome(): there is more to do.
constexpr int unfinished = 1;

/// What is to become of an operation after `result`: 0 when it is done, a negative errno when it failed.
int outcome(const Disk& disk, Operation& operation, int result) {
    // What a ring could not do without waiting, and nothing that a blocking call says.
    if (result == -EAGAIN || result == -EINTR)
        result = perform(disk, operation);
    const bool transfers =
        operation.kind == Operation::Kind::read || operation.kind == Operation::Kind::write;
    if (result < 0 || !transfers || static_cast<std::uint64_t>(result) == operation.length)
        return std::min(result, 0);
    if (result == 0)
        return -EIO;  // the image has become shorter
    advance(operation, static_cast<std::uint64_t>(result));
    return unfinished;
}

std::string_view name_of(Operation::Kind kind) {
    switch (kind) {
        case Operation::Kind::read:
            return "read";
        case Operation::Kind::write:
            return "write";
        case Operation::Kind::flush:
            return "flush";
        case Operation::Kind::discard:
            return "discard";
        case Operation::Kind::write_zeroes:
            return "write zeroes";
    }
    return "operation";
}

}  // namespace

Result<std::unique_ptr<QueueWorker>> QueueWorker::create(const Disk& disk, const Options& options, Log& log) {
    NACRE_ASSIGN(auto engine, options.make_engine(disk, log));
    FileDescriptor epoll(::epoll_create1(EPOLL_CLOEXEC));
    if (!epoll)
        return fail_errno("virtio-blk: cannot create an epoll instance");
    NACRE_ASSIGN(auto quit, EventFd::create());
    std::unique_ptr<QueueWorker> worker(
        new QueueWorker(disk, options.limiter, log, std::move(engine), std::move(epoll), std::move(quit)));
    NACRE_TRY(worker->watch(worker->quit_.fd(), EPOLLIN, quit_key));
    if (const int fd = worker->engine_->completion_fd(); fd >= 0)
        NACRE_TRY(worker->watch(fd, EPOLLIN, completion_key));
    NACRE_TRY(worker->start_thread(options.on_thread_start));
    return worker;
}

QueueWorker::QueueWorker(const Disk& disk, RateLimiter* limiter, Log& log, std::unique_ptr<Engine> engine,
                         FileDescriptor epoll, EventFd quit)
    : disk_(disk),
      limiter_(limiter),
      log_(log),
      epoll_(std::move(epoll)),
      quit_(std::move(quit)),
      engine_(std::move(engine)),
      requests_(queue_size),
      reports_left_(max_reports) {
    for (std::size_t tag = 0; tag < requests_.size(); ++tag)
        free_.push_back(tag);
}

QueueWorker::~QueueWorker() {
    stop();
    quit_.signal();
}

Result<void> QueueWorker::watch(int fd, std::uint32_t events, std::uint64_t key) const {
    epoll_event event{};
    event.events = events;
    event.data.u64 = key;
    if (::epoll_ctl(epoll_.get(), EPOLL_CTL_ADD, fd, &event) < 0)
        return fail_errno("virtio-blk: cannot wait for descriptor {}", fd);
    return {};
}

Result<void> QueueWorker::start_thread(const std::function<Result<void>()>& prepare) {
    auto promise = std::make_shared<std::promise<Result<void>>>();  // the thread may be in it when we leave
    auto prepared = promise->get_future();
    NACRE_ASSIGN(auto thread, Thread::start("virtio-blk", stack_bytes, [this, promise, prepare] {
                     auto result = prepare ? prepare() : Result<void>();
                     const bool ready = result.has_value();
                     promise->set_value(std::move(result));
                     if (ready)
                         run();
                 }));
    thread_.emplace(std::move(thread));
    return prepared.get();
}

Result<void> QueueWorker::start(virtio::ActiveQueue queue, virtio::Interrupt& interrupt, bool write_through) {
    const std::lock_guard lock(mutex_);
    active_.emplace(std::move(queue));
    interrupt_ = &interrupt;
    write_through_ = write_through;
    broken_ = false;
    // Edge-triggered: the counter only grows, and each kick wakes the thread once, without a read(2) for it.
    return watch(active_->kick->fd(), EPOLLIN | EPOLLET, kick_key);
}

void QueueWorker::stop() {
    stopping_ = true;
    std::unique_lock lock(mutex_);
    if (active_) {
        ::epoll_ctl(epoll_.get(), EPOLL_CTL_DEL, active_->kick->fd(), nullptr);
        idle_.wait(lock, [this] { return in_flight() == 0; });
        active_.reset();
    }
    stopping_ = false;
}

void QueueWorker::run() {
    for (;;) {
        epoll_event event{};
        event.data.u64 = kick_key;  // of a wait that ends in time, too
        if (::epoll_wait(epoll_.get(), &event, 1, wait_ms_) < 0)
            continue;  // EINTR: the kernel completes direct I/O by interrupting the thread that submitted it
        if (event.data.u64 == quit_key)
            return;
        const std::lock_guard lock(mutex_);
        wait_ms_ = -1;
        if (active_)
            serve();
    }
}

void QueueWorker::serve() {
    do {
        active_->queue.disable_notifications();
        while (serve_once()) {
            if (active_->queue.needs_interrupt())
                interrupt_->signal_used_buffer();
        }
        // Who is kept waiting need not kick: the time does.
    } while (!broken_ && !stopping_ && wait_ms_ < 0 && active_->queue.enable_notifications());
    if (in_flight() == 0)
        idle_.notify_all();
}

/// Whether anything was done. What is answered at once needs an interrupt as well.
bool QueueWorker::serve_once() {
    const bool taken = take_requests();
    const bool completed = take_completions();
    return taken || completed;
}

bool QueueWorker::take_requests() {
    bool any = false;
    wait_ms_ = -1;
    while (!stopping_ && !broken_ && !free_.empty() && !must_wait()) {
        auto chain = active_->queue.pop();
        if (!chain)
            mark_broken(chain.error());
        if (!chain || !*chain)
            break;
        take(std::move(**chain));
        any = true;
    }
    engine_->submit();
    return any;
}

/// Whether the limiter keeps what is in the queue there for a while.
bool QueueWorker::must_wait() {
    constexpr auto longest = std::chrono::milliseconds(std::chrono::hours(1));
    if (limiter_ == nullptr)
        return false;
    const auto delay = std::chrono::ceil<std::chrono::milliseconds>(limiter_->delay());
    if (delay.count() == 0)
        return false;
    wait_ms_ = static_cast<int>(std::min(delay, longest).count());
    return true;
}

void QueueWorker::take(virtio::DescriptorChain chain) {
    // Nowhere to put a status: it is the driver that has lost its answer.
    if (chain.writable_bytes == 0)
        return give_back(std::move(chain), 0);
    auto operation = read_request(chain, disk_);
    if (limiter_ != nullptr)
        limiter_->charge(operation && operation->kind != Operation::Kind::discard ? operation->length : 0);
    if (!operation)
        return answer(std::move(chain), operation.error());
    begin(std::move(chain), std::move(*operation));
}

void QueueWorker::begin(virtio::DescriptorChain chain, Operation operation) {
    const auto tag = free_.back();
    free_.pop_back();
    requests_[tag] = {std::move(chain), std::move(operation)};
    requests_[tag].operation.write_through = write_through_;
    engine_->start(requests_[tag].operation, tag);
}

bool QueueWorker::take_completions() {
    completions_.clear();
    engine_->collect(completions_);
    for (const auto& completion : completions_)
        complete(completion);
    engine_->submit();
    return !completions_.empty();
}

void QueueWorker::complete(const Engine::Completion& completion) {
    auto& request = requests_[completion.tag];
    const int result = outcome(disk_, request.operation, completion.result);
    if (result == unfinished)
        return engine_->start(request.operation, completion.tag);
    if (result < 0)
        report(request.operation, result);
    answer(std::move(request.chain), status_of(request.operation, result));
    free_.push_back(completion.tag);
}

/// The status is the last byte that the driver lets us write.
void QueueWorker::answer(virtio::DescriptorChain chain, Status status) {
    const auto& last = chain.writable.back();
    static_cast<Status*>(last.iov_base)[last.iov_len - 1] = status;
    const auto written = static_cast<std::uint32_t>(chain.writable_bytes);
    give_back(std::move(chain), written);
}

void QueueWorker::give_back(virtio::DescriptorChain chain, std::uint32_t written) {
    if (const auto pushed = active_->queue.push_used(std::move(chain), written); !pushed)
        mark_broken(pushed.error());
}

void QueueWorker::report(const Operation& operation, int result) {
    if (reports_left_ == 0)
        return;
    --reports_left_;
    log_.write(LogLevel::warning, "virtio-blk: disk \"{}\": {} of {} bytes at {}: {}", disk_.id(),
               name_of(operation.kind), operation.length, operation.offset, errno_text(-result));
}

void QueueWorker::mark_broken(const Error& error) {
    broken_ = true;
    log_.write(LogLevel::warning, "virtio-blk: {}", error.message);
    interrupt_->signal_needs_reset();
}

}  // namespace nacre::block
