#pragma once

#include <cstdint>

#include "vmm/base/file_descriptor.h"

namespace nacre {

/// eventfd(2): a counter that wakes whoever polls it. signal() and drain() are safe from any thread.
class EventFd {
  public:
    static Result<EventFd> create();

    int fd() const { return fd_.get(); }

    /// Adds one to the counter; never blocks.
    void signal() const;

    /// Takes the counter and sets it to zero; 0 when nothing was signalled.
    std::uint64_t drain() const;

  private:
    explicit EventFd(FileDescriptor fd) : fd_(std::move(fd)) {}
    FileDescriptor fd_;
};

}  // namespace nacre
