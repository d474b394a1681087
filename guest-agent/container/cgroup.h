#pragma once

#include <sys/types.h>

#include <cstdint>
#include <string>
#include <vector>

#include "runtime/oci/spec.h"
#include "vmm/base/file_descriptor.h"

namespace nacre::agent {

struct CgroupSetting;

/// The cgroup v2 directory of one container. Its processes may make groups of their own below it. Destroying
/// the object leaves the directory as it is.
class Cgroup {
  public:
    /// Makes `<root>/<name>` with every controller that the kernel has. `name` is one path component.
    static Result<Cgroup> create(const std::string& root, const std::string& name);

    /// Writes the limits. The error names the file. A limit that the kernel refuses for the sake of another
    /// (a burst above the quota) is tried again when all others are written.
    Result<void> apply(const oci::Resources& resources) const;

    /// Gives user `owner` the directory and those of its files that make and fill groups below it
    /// (/sys/kernel/cgroup/delegate; cgroup-v2.rst, "Delegation"); its limits stay the VM's root's.
    Result<void> delegate_to(uid_t owner) const;

    /// The open directory, for CLONE_INTO_CGROUP.
    int fd() const { return directory_.get(); }

    /// Opens where a further process goes: the group `path` below this one; without a path this one, or, if
    /// its processes have divided it into groups so that it can hold none itself, the group of process
    /// `init`.
    Result<FileDescriptor> open_for_process(const std::string& path, pid_t init) const;

    /// Kills every process in it and below, at once (cgroup.kill).
    void kill_all() const;

    /// Sends `signal` to every process in it and below.
    void signal_all(int signal) const;

    /// Every process in it and below.
    std::vector<pid_t> processes() const;

    /// Stops every process in it and below from running, or lets them go on. Does not wait for it.
    Result<void> freeze(bool frozen) const;

    /// The text of one of its files, at most `limit` bytes.
    Result<std::string> read(const std::string& file, std::size_t limit) const;

    /// cgroup.events, open: polls ready (EPOLLPRI) when it has changed since it was last read.
    Result<FileDescriptor> open_events() const;

    /// memory.events, open: polls ready (EPOLLPRI) when a count in it has changed since it was last read.
    Result<FileDescriptor> open_memory_events() const;

    /// Removes the directory and the groups below it; EBUSY while processes are in it.
    Result<void> remove() const;

  private:
    Result<void> check_usage(const oci::Resources& resources) const;
    Result<void> apply_one(const CgroupSetting& setting) const;
    Result<FileDescriptor> open_below(const std::string& path) const;

    Cgroup(std::string path, FileDescriptor directory)
        : path_(std::move(path)), directory_(std::move(directory)) {}

    std::string path_;
    FileDescriptor directory_;
};

/// Why a process cannot be put into the group `path` below a container's, in runc's words; `code` is the
/// errno.
tl::unexpected<Error> cannot_join(const std::string& path, int code);

/// How many processes the out-of-memory killer has killed, from an open memory.events.
std::uint64_t read_oom_kills(int memory_events);

}  // namespace nacre::agent
