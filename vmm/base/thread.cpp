#include "vmm/base/thread.h"

#include <signal.h>

#include <cerrno>

namespace nacre {

namespace {

/// Threads inherit the mask of signals from their creator.
class AllSignalsBlocked {
  public:
    AllSignalsBlocked() {
        sigset_t all;
        sigfillset(&all);
        pthread_sigmask(SIG_SETMASK, &all, &before_);
    }
    AllSignalsBlocked(const AllSignalsBlocked&) = delete;
    AllSignalsBlocked& operator=(const AllSignalsBlocked&) = delete;
    ~AllSignalsBlocked() { pthread_sigmask(SIG_SETMASK, &before_, nullptr); }

  private:
    sigset_t before_;
};

}  // namespace

void* Thread::run(void* start) {
    const std::unique_ptr<Start> started(static_cast<Start*>(start));
    pthread_setname_np(pthread_self(), started->name.c_str());
    started->task->run();
    return nullptr;
}

Result<Thread> Thread::start_task(const std::string& name, std::size_t stack_bytes,
                                  std::unique_ptr<Task> task) {
    auto argument = std::make_unique<Start>(Start{name.substr(0, 15), std::move(task)});
    pthread_attr_t attributes;
    pthread_attr_init(&attributes);
    int code = pthread_attr_setstacksize(&attributes, stack_bytes);
    pthread_t handle{};
    if (code == 0) {
        const AllSignalsBlocked blocked;
        code = pthread_create(&handle, &attributes, run, argument.get());
    }
    pthread_attr_destroy(&attributes);
    if (code == EAGAIN)
        return fail_with(
            code, "cannot start thread {} within the limit of tasks (pids.max, TasksMax, ulimit -u)", name);
    if (code != 0)
        return fail_with(code, "cannot start thread {}", name);
    static_cast<void>(argument.release());  // run() owns it
    return Thread(handle);
}

void Thread::detach() {
    if (std::exchange(running_, false))
        pthread_detach(handle_);
}

void Thread::join() {
    if (std::exchange(running_, false))
        pthread_join(handle_, nullptr);
}

Thread::~Thread() {
    join();
}

}  // namespace nacre
