#pragma once

#include <string>
#include <vector>

#include "runtime/cgroup/hierarchy.h"

namespace nacre::runtime {

/// Where `cgroups_path` of the configuration leads with cgroupfs, one directory a hierarchy, as with runc: an
/// absolute path from the root of each; a relative one, and the id if there is none, below the cgroup of the
/// calling process (v1) or below that one's parent (v2: a cgroup with processes cannot give its children
/// controllers). "." and ".." are resolved within the path. The root cgroup is refused.
Result<std::vector<std::string>> cgroupfs_directories(const std::string& cgroups_path, const std::string& id,
                                                      const std::vector<CgroupHierarchy>& hierarchies);

/// A scope of systemd (systemd.scope(5)).
struct SystemdScope {
    std::string slice;  // "system.slice"
    std::string unit;   // "nacre-c1.scope"
    bool operator==(const SystemdScope&) const = default;
};

/// The scope that `cgroups_path` "slice:prefix:name" means; none: system.slice:nacre:<id>.
Result<SystemdScope> systemd_scope(const std::string& cgroups_path, const std::string& id);

/// Where systemd puts it: "a-b.slice" lies in "a.slice" (systemd.slice(5)).
Result<std::vector<std::string>> scope_directories(const SystemdScope& scope,
                                                   const std::vector<CgroupHierarchy>& hierarchies);

}  // namespace nacre::runtime
