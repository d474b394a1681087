#pragma once

#include <optional>

#include "runtime/cgroup/cgroup.h"
#include "runtime/cgroup/cgroup_tree.h"
#include "runtime/cgroup/placeholder.h"
#include "runtime/cgroup/unit_property.h"

namespace nacre::runtime {

/// A transient scope of systemd (systemd.scope(5)), delegated to nacre. On v2 the limits are the scope's and
/// the processes are in the cgroup "container" below it, as with crun, so that nacre can have another one
/// beside that (a cgroup with processes cannot give its children controllers).
class SystemdCgroup : public Cgroup {
  public:
    explicit SystemdCgroup(const CgroupPlace& place) : Cgroup(place), scope_(place.directories) {}

    Result<void> limit(const oci::Resources& resources, std::uint64_t memory_bytes) const override;
    std::vector<pid_t> processes() const override { return scope_.processes(); }
    Result<void> count_oom_kill() const override;
    Result<void> remove(int timeout_ms) const override;

  private:
    std::string clone_target() const override { return leaf().clone_target(); }
    Result<void> join() const override { return leaf().add_process(0); }

    friend Result<std::unique_ptr<Cgroup>> create_systemd_cgroup(const CgroupRequest& request);

    Result<void> start(std::vector<UnitProperty> properties);
    Result<void> furnish(const std::vector<CgroupSetting>& settings) const;

    /// Where the processes are.
    CgroupTree leaf() const;

    CgroupTree scope_;
    std::optional<Placeholder> placeholder_;
};

/// create_cgroup() for the manager systemd.
Result<std::unique_ptr<Cgroup>> create_systemd_cgroup(const CgroupRequest& request);

}  // namespace nacre::runtime
