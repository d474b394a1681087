#pragma once

#include <liburing.h>

#include <memory>

#include "vmm/base/result.h"

namespace nacre::block {

/// An io_uring(7) instance that can read, write, sync and fallocate, and nothing else from its first
/// operation on: seccomp does not see what goes through a ring. Belongs to one thread at a time.
class Ring {
  public:
    /// For `depth` operations at a time. Fails where the host's kernel has no io_uring for us, and in the
    /// jail.
    static Result<Ring> create(unsigned depth);

    io_uring* get() const { return ring_.get(); }

  private:
    /// Nothing may be in progress any more.
    struct Exit {
        void operator()(io_uring* ring) const;
    };

    Ring() = default;
    Result<void> restrict_operations() const;

    std::unique_ptr<io_uring, Exit> ring_;
};

}  // namespace nacre::block
