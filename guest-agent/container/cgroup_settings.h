#pragma once

#include <string>
#include <vector>

#include "runtime/oci/spec.h"

namespace nacre::agent {

/// One file of a cgroup v2 directory and what is written to it.
struct CgroupSetting {
    std::string file;
    std::string value;
    /// The kernel may lack it (another page size, a CPU that this VM does not have): no error then.
    bool optional = false;
    bool operator==(const CgroupSetting&) const = default;
};

/// OCI resources, which speak cgroup v1's language, as cgroup v2 settings, in the order of writing;
/// conversions as in runc 1.4 and Documentation/admin-guide/cgroup-v2.rst. Not converted, because the host's
/// cgroup enforces them on the whole VM: block I/O of host devices. Not existing in v2: swappiness, kernel
/// memory, realtime CPU, rdma, network classes.
std::vector<CgroupSetting> cgroup_settings(const oci::Resources& resources);

}  // namespace nacre::agent
