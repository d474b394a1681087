#pragma once

#include "runtime/cgroup/cgroup.h"
#include "runtime/state/container_state.h"

namespace nacre::runtime {

/// Where a container's cgroup on the host is.
inline CgroupPlace cgroup_of(const ContainerState& state) {
    return {state.cgroup_paths, state.cgroup_unit};
}

}  // namespace nacre::runtime
