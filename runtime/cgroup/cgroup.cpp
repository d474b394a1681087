#include "runtime/cgroup/cgroup.h"

#include "runtime/cgroup/cgroupfs.h"
#include "runtime/cgroup/fork_into.h"
#include "runtime/cgroup/systemd_cgroup.h"

namespace nacre::runtime {

namespace {

/// The processes stay where the caller of nacre is, with the caller's limits.
class NoCgroup : public Cgroup {
  public:
    NoCgroup() : Cgroup({}) {}
    Result<void> limit(const oci::Resources&, std::uint64_t) const override { return {}; }
    std::vector<pid_t> processes() const override { return {}; }
    Result<void> count_oom_kill() const override { return {}; }
    Result<void> remove(int) const override { return {}; }

  private:
    std::string clone_target() const override { return {}; }
    Result<void> join() const override { return {}; }
};

}  // namespace

Result<Cgroup::Child> Cgroup::fork() const {
    NACRE_ASSIGN(const auto forked, fork_into(clone_target()));
    const bool outside = forked.pid == 0 && !forked.inside;
    return Child{forked.pid, outside ? join() : Result<void>()};
}

Result<std::unique_ptr<Cgroup>> create_cgroup(const CgroupRequest& request) {
    switch (request.manager) {
        case CgroupManager::cgroupfs:
            return create_cgroupfs(request);
        case CgroupManager::systemd:
            return create_systemd_cgroup(request);
        case CgroupManager::disabled:
            break;
    }
    return std::make_unique<NoCgroup>();
}

std::unique_ptr<Cgroup> open_cgroup(const CgroupPlace& place) {
    if (place.directories.empty())
        return std::make_unique<NoCgroup>();
    if (place.unit.empty())
        return std::make_unique<Cgroupfs>(place);
    return std::make_unique<SystemdCgroup>(place);
}

}  // namespace nacre::runtime
