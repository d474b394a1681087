#pragma once

#include <sys/types.h>

#include "vmm/base/result.h"

namespace nacre::runtime {

/// A child process that does nothing, and ends with this object or with the process that made it. The calling
/// process must be single-threaded.
class Placeholder {
  public:
    static Result<Placeholder> fork();
    Placeholder(Placeholder&& other) noexcept;
    Placeholder& operator=(Placeholder&&) = delete;
    ~Placeholder();

    pid_t pid() const { return pid_; }

  private:
    explicit Placeholder(pid_t pid) : pid_(pid) {}

    pid_t pid_;
};

}  // namespace nacre::runtime
