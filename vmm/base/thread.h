#pragma once

#include <pthread.h>

#include <cstddef>
#include <memory>
#include <string>
#include <utility>

#include "vmm/base/result.h"

namespace nacre {

/// A thread with a stack of chosen size that no signal reaches; joined at the end of its owner's life, unless
/// detached. (std::thread has the default stack, 8 MiB of address space each, and throws when there is none.)
class Thread {
  public:
    /// Calls `body`, which may be movable only, without arguments. `name` is cut to 15 characters. EAGAIN: a
    /// limit of tasks is reached.
    template <class Body>
    static Result<Thread> start(const std::string& name, std::size_t stack_bytes, Body body) {
        return start_task(name, stack_bytes, std::make_unique<TaskOf<Body>>(std::move(body)));
    }

    Thread(Thread&& other) noexcept
        : handle_(other.handle_), running_(std::exchange(other.running_, false)) {}
    Thread& operator=(Thread&&) = delete;
    ~Thread();

    /// It goes on without its owner, until it or the process ends.
    void detach();

    /// Waits for its end; once.
    void join();

  private:
    struct Task {
        virtual ~Task() = default;
        virtual void run() = 0;
    };
    template <class Body>
    struct TaskOf : Task {
        explicit TaskOf(Body given) : body(std::move(given)) {}
        void run() override { body(); }
        Body body;
    };
    struct Start {
        std::string name;
        std::unique_ptr<Task> task;
    };

    static void* run(void* start);
    static Result<Thread> start_task(const std::string& name, std::size_t stack_bytes,
                                     std::unique_ptr<Task> task);
    explicit Thread(pthread_t handle) : handle_(handle), running_(true) {}

    pthread_t handle_;
    bool running_;
};

}  // namespace nacre
