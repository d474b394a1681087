#pragma once

#include <memory>

#include "vmm/base/event_loop.h"
#include "vmm/base/file_descriptor.h"
#include "vmm/base/log.h"

namespace nacre::machine {

/// Ends the process when nobody stands for its VM any more: when the last writer of a FIFO (fifo(7)) has
/// closed it, however that one ended. Each relay of a container in the VM is such a writer.
class Lifeline {
  public:
    /// `reader` is the FIFO's reading end, opened before its first writer. The end comes at once, from the
    /// loop, as by a signal: ExitStatus::abandoned. Loop and log outlive the object.
    static Result<std::unique_ptr<Lifeline>> watch(EventLoop& loop, FileDescriptor reader, Log& log);
    Lifeline(const Lifeline&) = delete;
    Lifeline& operator=(const Lifeline&) = delete;
    ~Lifeline();

  private:
    Lifeline(EventLoop& loop, FileDescriptor reader) : loop_(loop), reader_(std::move(reader)) {}

    EventLoop& loop_;
    FileDescriptor reader_;
};

}  // namespace nacre::machine
