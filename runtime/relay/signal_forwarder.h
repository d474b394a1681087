#pragma once

#include "vmm/base/file_descriptor.h"

namespace nacre::runtime {

/// Collects the signals that a relay gets: they are the guest process's it stands for.
class SignalForwarder {
  public:
    /// Blocks every signal that can be forwarded, in this thread and those it starts later, and collects them
    /// on a descriptor. Call before the first thread is started.
    static Result<SignalForwarder> create();

    /// Readable while a signal waits.
    int fd() const { return signals_.get(); }

    /// The next signal that waits; 0 if none does.
    int take() const;

  private:
    explicit SignalForwarder(FileDescriptor signals) : signals_(std::move(signals)) {}
    FileDescriptor signals_;
};

}  // namespace nacre::runtime
