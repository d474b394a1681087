#pragma once

#include <string>
#include <vector>

#include "guest-agent/protocol/messages.h"
#include "runtime/relay/passed_descriptors.h"
#include "vmm/base/event_fd.h"
#include "vmm/base/thread.h"

namespace nacre::runtime {

/// Copies between the calling process's file descriptors 0, 1, 2 and those that it passes on, and a guest
/// process's stdin, stdout, stderr and descriptors from 3 on: a blocking thread a stream, so that the
/// caller's open files are never made non-blocking, and at most one buffer of data waits here a stream. End
/// of file passes in both directions: a stdin at its end closes the guest's, a closed stdout breaks the
/// guest's pipe.
class Streams {
  public:
    /// Opens the stream connections and starts copying. Inputs are read from once the guest process is
    /// started. With a terminal there is no stderr, and a reader of stdout that has gone is a hang-up at
    /// once. `passed[0]` is the guest's descriptor 3.
    static Result<Streams> attach(const std::string& vm_directory, const protocol::ProcessName& name,
                                  bool terminal, std::vector<PassedDescriptor> passed);

    Streams(Streams&&) = default;
    Streams& operator=(Streams&&) = delete;
    ~Streams() { finish(); }

    /// Call when the process has exited: waits until all that it wrote has been written here. A guest that
    /// then neither sends nor closes is given up after a few seconds; a slow reader on our side is not.
    void finish();

  private:
    Streams(const std::string& vm_directory, const protocol::ProcessName& name, EventFd ended)
        : vm_directory_(vm_directory), name_(name), ended_(std::move(ended)) {}
    Result<void> add_input(std::uint32_t descriptor, FileDescriptor source);
    Result<void> add_output(std::uint32_t descriptor, FileDescriptor target, bool hangs_up, bool half_closes);
    Result<void> add_passed(std::uint32_t descriptor, PassedDescriptor passed);

    std::string vm_directory_;
    protocol::ProcessName name_;

    EventFd ended_;
    std::vector<Thread> outputs_;
};

}  // namespace nacre::runtime
