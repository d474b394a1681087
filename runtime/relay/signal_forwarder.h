#pragma once

#include <string>

#include "guest-agent/protocol/messages.h"
#include "vmm/base/file_descriptor.h"

namespace nacre::runtime {

/// Turns the signals that a relay gets into signals for the guest process it stands for.
class SignalForwarder {
  public:
    /// Blocks every signal that can be forwarded, in this thread and those it starts later, and collects them
    /// on a descriptor. Call before the first thread is started.
    static Result<SignalForwarder> create();

    /// Readable while a signal waits.
    int fd() const { return signals_.get(); }

    /// Takes one signal and sends it to `name`. A guest that does not answer costs a bounded wait; a process
    /// that has gone already is no error.
    void forward_one(const std::string& vm_directory, const protocol::ProcessName& name) const;

  private:
    explicit SignalForwarder(FileDescriptor signals) : signals_(std::move(signals)) {}
    FileDescriptor signals_;
};

}  // namespace nacre::runtime
