#pragma once

#include <pthread.h>

#include <cstddef>
#include <functional>
#include <string>
#include <utility>

#include "vmm/base/result.h"

namespace nacre {

/// A thread with a stack of chosen size that no signal reaches; joined at the end of its owner's life, unless
/// detached. (std::thread has the default stack, 8 MiB of address space each.)
class Thread {
  public:
    /// `name` is cut to 15 characters.
    static Result<Thread> start(const std::string& name, std::size_t stack_bytes, std::function<void()> body);

    Thread(Thread&& other) noexcept
        : handle_(other.handle_), running_(std::exchange(other.running_, false)) {}
    Thread& operator=(Thread&&) = delete;
    ~Thread();

    /// It goes on without its owner, until it or the process ends.
    void detach();

  private:
    explicit Thread(pthread_t handle) : handle_(handle), running_(true) {}

    pthread_t handle_;
    bool running_;
};

}  // namespace nacre
