#include "vmm/devices/net/loop_thread.h"

#include <future>

namespace nacre::net {

namespace {

constexpr std::size_t stack_bytes = 256 * 1024;

}  // namespace

Result<std::unique_ptr<LoopThread>> LoopThread::start(const std::function<Result<void>()>& prepare,
                                                      Log& log) {
    NACRE_ASSIGN(auto loop, EventLoop::create());
    std::unique_ptr<LoopThread> made(new LoopThread(std::move(loop)));
    auto promise = std::make_shared<std::promise<Result<void>>>();  // the thread may be in it when we leave
    auto prepared = promise->get_future();
    // Said from within the loop: until a thread runs it, run_in_loop() would do its work on the caller's.
    made->loop_->post([promise, prepare] { promise->set_value(prepare ? prepare() : Result<void>()); });
    NACRE_ASSIGN(auto thread, Thread::start("virtio-net", stack_bytes, [loop = made->loop_.get(), &log] {
                     if (const auto run = loop->run(); !run)
                         log.write(LogLevel::error, "virtio-net: {}", run.error().message);
                 }));
    made->thread_.emplace(std::move(thread));
    NACRE_TRY(prepared.get());
    return made;
}

Result<void> LoopThread::call(const std::function<Result<void>()>& task) {
    Result<void> result;
    loop_->run_in_loop([&] { result = task(); });
    return result;
}

}  // namespace nacre::net
