#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "vmm/base/result.h"

namespace nacre::runtime {

/// One mounted cgroup hierarchy of the host.
struct CgroupHierarchy {
    std::string mount_point;               // "/sys/fs/cgroup", or "/sys/fs/cgroup/memory" on v1
    std::vector<std::string> controllers;  // v1 only: {"memory"}, {"name=systemd"}; empty on v2
    bool unified = false;                  // cgroup v2
    std::string own_path;                  // the cgroup of the calling process in it: "/user.slice"
};

/// The hierarchies to use: the v2 one alone where it is mounted at /sys/fs/cgroup, else all v1 ones and after
/// them, in the hybrid layout, a v2 one without controllers.
/// From the text of /proc/self/mountinfo and /proc/self/cgroup (proc(5), cgroups(7)).
std::vector<CgroupHierarchy> parse_hierarchies(std::string_view mountinfo, std::string_view own_cgroups);

/// parse_hierarchies() of this process. An error when no cgroup hierarchy is mounted.
Result<std::vector<CgroupHierarchy>> host_hierarchies();

}  // namespace nacre::runtime
