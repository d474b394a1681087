#pragma once

#include <cstdint>
#include <string>

#include "vmm/base/file_descriptor.h"

namespace nacre::runtime {

/// The guest's processes as a /proc on the host, for programs that enter the mount namespace of a container's
/// pid and read it there (`podman top`). It is a tmpfs that is filled when somebody opens its root directory:
/// fanotify(7) holds the opener up until the agent has been asked. Until then, and again some seconds later,
/// it is empty: an idle container holds nothing.
class GuestProc {
  public:
    /// A few system calls. An error where the kernel lacks fanotify's permission events.
    static Result<GuestProc> create();

    /// Read-only mounts to be attached in the view, at /proc and /dev/pts.
    int processes() const { return processes_.get(); }
    int terminals() const { return terminals_.get(); }

    /// Answers the openers for as long as the process lives, on the calling thread, which sees the host's
    /// files. An opener waits a few seconds at most; it gets EPERM when the guest does not answer. When this
    /// process ends the kernel lets all openers go on.
    [[noreturn]] void serve(const std::string& vm_directory, const std::string& id);

  private:
    GuestProc() = default;
    void answer_openers(const std::string& vm_directory, const std::string& id);
    bool is_root(int opened) const;
    bool refresh(const std::string& vm_directory, const std::string& id);
    void clear();

    FileDescriptor watch_;
    FileDescriptor processes_;
    FileDescriptor terminals_;
    // The same two file systems through mounts that are writable, in no namespace, and not watched.
    FileDescriptor process_tree_;
    FileDescriptor terminal_tree_;
    std::uint64_t root_inode_ = 0;
    bool filled_ = false;
};

}  // namespace nacre::runtime
