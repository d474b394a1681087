#pragma once

#include <vector>

#include "guest-agent/container/cgroup.h"
#include "guest-agent/protocol/messages.h"

namespace nacre::agent {

/// The files of the cgroup that tell what its processes use; those that the kernel lacks are left out.
std::vector<protocol::CgroupFile> read_figures(const Cgroup& cgroup);

}  // namespace nacre::agent
