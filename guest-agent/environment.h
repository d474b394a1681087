#pragma once

#include <functional>
#include <string>

#include "vmm/base/result.h"

namespace nacre::agent {

/// What the agent finds around it; a test gives it another one than a VM does.
struct Environment {
    std::string share;                                // the directory where the share is mounted
    std::function<Result<void>()> mount_share;        // mounts it unless it is mounted
    std::string sysfs;                                // where sysfs is mounted
    std::string cgroup_root;                          // a cgroup v2 directory, for the containers' groups
    std::function<void()> power_off;                  // ends the VM
    std::function<void()> container_started = [] {};  // called when a container's program runs
};

}  // namespace nacre::agent
