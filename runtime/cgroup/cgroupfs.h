#pragma once

#include "runtime/cgroup/cgroup.h"
#include "runtime/cgroup/cgroup_tree.h"

namespace nacre::runtime {

/// A cgroup that nacre makes and removes itself, through the cgroup file systems.
class Cgroupfs : public Cgroup {
  public:
    explicit Cgroupfs(const CgroupPlace& place) : Cgroup(place), tree_(place.directories) {}

    Result<void> limit(const oci::Resources& resources, std::uint64_t memory_bytes) const override;
    std::vector<pid_t> processes() const override { return tree_.processes(); }
    Result<void> count_oom_kill() const override;
    Result<void> remove(int timeout_ms) const override;

  private:
    std::string clone_target() const override { return tree_.clone_target(); }
    Result<void> join() const override { return tree_.add_process(0); }

    CgroupTree tree_;
};

/// create_cgroup() for the manager cgroupfs.
Result<std::unique_ptr<Cgroup>> create_cgroupfs(const CgroupRequest& request);

}  // namespace nacre::runtime
