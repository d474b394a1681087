#pragma once

#include <sys/types.h>

#include <string>
#include <vector>

#include "runtime/cgroup/limits.h"
#include "vmm/base/result.h"

namespace nacre::runtime {

/// The directories of one cgroup, one in each hierarchy in use, and what is done with them through their
/// files (cgroups(7)). Holds no descriptor; the directories outlive the object.
class CgroupTree {
  public:
    explicit CgroupTree(std::vector<std::string> directories) : directories_(std::move(directories)) {}

    const std::vector<std::string>& directories() const { return directories_; }

    /// Whether it is of cgroup v2, from its files.
    bool unified() const;

    /// The directory for fork_into(), if it is of cgroup v2 alone; else empty.
    std::string clone_target() const;

    /// The directory that has `file`, on v1 the one of the file's controller; empty if none has.
    std::string directory_with(const std::string& file) const;

    /// The cgroup beside it whose name has `suffix` on top.
    CgroupTree beside(const std::string& suffix) const;

    /// Refuses a cgroup that has processes in it or below it: whatever is in a container's cgroup is killed
    /// with the container. Refuses a frozen one too: nothing that joins it would run.
    Result<void> check_unused() const;

    /// Makes the directories that are missing and, on v2, enables the controllers on the way there.
    Result<void> make() const;

    /// Moves a process there.
    Result<void> add_process(pid_t pid) const;

    /// Writes the settings; the first that the kernel refuses is the error.
    Result<void> apply(const std::vector<CgroupSetting>& settings) const;

    /// Every process in it and below it, as far as they have a pid in the caller's namespace. The kernel
    /// thread that KVM puts beside a VMM has one in the host's alone (cgroup.procs says 0).
    std::vector<pid_t> processes() const;

    /// Lets what somebody has frozen there go on, on v1: in a frozen cgroup of v1 not even SIGKILL ends a process.
    void thaw() const;

    /// Kills every process in it and below it and waits at most `timeout_ms` until they are gone, those
    /// without a pid for the caller too. The root of a hierarchy is refused.
    Result<void> kill_all(int timeout_ms) const;

    /// kill_all(), and removes it with everything below. A cgroup that is gone already is fine.
    Result<void> remove(int timeout_ms) const;

  private:
    Result<void> check_not_root() const;

    /// Repeats `step` until it says that it is done.
    template <class Step>
    Result<void> retry(int timeout_ms, Step step) const;

    std::vector<std::string> directories_;
};

/// Writes one file of a cgroup.
Result<void> write_cgroup_file(const std::string& path, const std::string& value);

/// Lets the cgroups below `directory` (v2) have all controllers that it has, unless it has processes, which
/// forbid it (cgroup-v2.rst, No Internal Process Constraint). A refusal shows when a limit is set there.
void enable_controllers(const std::string& directory);

}  // namespace nacre::runtime
