#pragma once

#include <vector>

#include "runtime/oci/spec.h"
#include "vmm/base/result.h"

namespace nacre::runtime {

/// What the ids of a file system become when it is seen through a mount (config.md, "Mounts": uidMappings):
/// its container_id… appear as host_id…, and files made through the mount get them back the other way.
struct MountIds {
    std::vector<oci::IdMapping> users;
    std::vector<oci::IdMapping> groups;
    bool below = false;  // sub-mounts too ("ridmap")
};

/// Maps the ids of the detached mount `tree` (mount_setattr(2), MOUNT_ATTR_IDMAP). An error if its file
/// system cannot be mapped. Makes a process for the time of the call, which holds the user namespace that the
/// kernel takes the maps from.
Result<void> map_ids(int tree, const MountIds& ids);

}  // namespace nacre::runtime
