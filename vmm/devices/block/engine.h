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
    /// until it comes out of collect() under `tag`. No more at a time than fit into a queue.
    virtual void start(const Operation& operation, std::size_t tag) = 0;
    virtual void submit() = 0;

    /// Adds what has completed since the last call. Does not wait.
    virtual void collect(std::vector<Completion>& completions) = 0;

    /// Readable (poll(2)) while collect() has something to give after submit() returned; -1 if that cannot
    /// be.
    virtual int completion_fd() const = 0;
};

class RingPool;

/// `disk` and `log` outlive the engine.
using MakeEngine = std::function<Result<std::unique_ptr<Engine>>(const Disk& disk, Log& log)>;

/// Makes engines of io_uring; when `rings` has no ring, ones that do everything on the calling thread, and a
/// line in the log. `rings` outlives them.
MakeEngine engines_on(RingPool& rings);

}  // namespace nacre::block
