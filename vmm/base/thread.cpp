#include "vmm/base/thread.h"

#include <signal.h>

#include <memory>

namespace nacre {

namespace {

struct Start {
    std::string name;
    std::function<void()> body;
};

void* run(void* argument) {
    const std::unique_ptr<Start> start(static_cast<Start*>(argument));
    pthread_setname_np(pthread_self(), start->name.c_str());
    start->body();
    return nullptr;
}

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

Result<Thread> Thread::start(const std::string& name, std::size_t stack_bytes, std::function<void()> body) {
    auto argument = std::make_unique<Start>(Start{name.substr(0, 15), std::move(body)});
    pthread_attr_t attributes;
    pthread_attr_init(&attributes);
    int code = pthread_attr_setstacksize(&attributes, stack_bytes);
    pthread_t handle{};
    if (code == 0) {
        const AllSignalsBlocked blocked;
        code = pthread_create(&handle, &attributes, run, argument.get());
    }
    pthread_attr_destroy(&attributes);
    if (code != 0)
        return fail_with(code, "cannot start thread {}", name);
    static_cast<void>(argument.release());  // run() owns it
    return Thread(handle);
}

void Thread::detach() {
    if (std::exchange(running_, false))
        pthread_detach(handle_);
}

Thread::~Thread() {
    if (running_)
        pthread_join(handle_, nullptr);
}

}  // namespace nacre
