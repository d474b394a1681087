#pragma once

#include <cstddef>
#include <functional>
#include <memory>
#include <vector>

#include "vmm/base/log.h"
#include "vmm/devices/block/operation.h"

namespace nacre::block {

/// Carries out the operations of one queue. Belongs to one thread at a time.
class Engine {
  public:
    struct Completion {
        std::size_t tag;
        int result;  // as of perform()
    };

    /// Nothing may be in progress any more.
    virtual ~Engine() = default;

    /// Takes up `operation`, at the latest with the next submit(). It stays as it is, and its buffers valid,
    /// until it comes out of collect() under `tag`. No more at a time than the depth the engine was made for.
    virtual void start(const Operation& operation, std::size_t tag) = 0;
    virtual void submit() = 0;

    /// Adds what has completed since the last call. Does not wait.
    virtual void collect(std::vector<Completion>& completions) = 0;

    /// Readable (poll(2)) while collect() has something to give after submit() returned; -1 if that cannot
    /// be.
    virtual int completion_fd() const = 0;
};

using MakeEngine = std::function<Result<std::unique_ptr<Engine>>(const Disk& disk, unsigned depth, Log& log)>;

/// An engine of io_uring; where the host forbids it (kernel.io_uring_disabled, a seccomp filter), one that
/// does everything on the calling thread, and a line in the log. `disk` and `log` outlive it.
Result<std::unique_ptr<Engine>> make_engine(const Disk& disk, unsigned depth, Log& log);

}  // namespace nacre::block
