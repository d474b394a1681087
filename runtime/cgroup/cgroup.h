#pragma once

#include <sys/types.h>

#include <string>
#include <vector>

#include "runtime/cgroup/hierarchy.h"
#include "runtime/cgroup/limits.h"

namespace nacre::runtime {

/// A container's cgroup on the host: one directory in each hierarchy in use. Holds no descriptor; the
/// directories outlive the object until remove().
class Cgroup {
  public:
    /// Where `cgroups_path` of the configuration leads: an absolute path from the root of each hierarchy; a
    /// relative one below the cgroup of the calling process; "slice:prefix:name" (systemd's form) to
    /// …slice/prefix-name.scope; none to
    /// /<id>. Paths with ".." and the root cgroup are
    /// refused.
    static Result<Cgroup> locate(const std::string& cgroups_path, const std::string& id,
                                 const std::vector<CgroupHierarchy>& hierarchies);

    /// The cgroup that was saved as `directories` with the container's state.
    explicit Cgroup(std::vector<std::string> directories) : directories_(std::move(directories)) {}

    /// Makes the directories that are missing and, on v2, enables the controllers on the way there. Returns
    /// whether the last directory was made by this call. A cgroup that already has processes in it is
    /// refused: remove() would kill them; so is a frozen one.
    Result<bool> create() const;

    /// Moves a process there; 0 is the caller.
    Result<void> add_process(pid_t pid) const;

    /// Applies the settings; the first that the kernel refuses is the error.
    Result<void> apply(const std::vector<CgroupSetting>& settings) const;

    /// Every process in it and below it.
    std::vector<pid_t> processes() const;

    /// Kills what is left in it, waits at most `timeout_ms` for that, and removes it with everything below. A
    /// cgroup that is gone already is fine; the root of a hierarchy is refused.
    Result<void> remove(int timeout_ms) const;

    const std::vector<std::string>& directories() const { return directories_; }

  private:
    Result<void> check_unused() const;

    std::vector<std::string> directories_;
};

}  // namespace nacre::runtime
