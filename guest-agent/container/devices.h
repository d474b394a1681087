#pragma once

#include <vector>

#include "runtime/oci/spec.h"
#include "vmm/base/result.h"

namespace nacre::agent {

/// Makes the devices that every container has (config-linux.md "Default Devices") and those of the
/// configuration below the directory `root`. Where the file system takes no device nodes, the VM's own node
/// is bind-mounted.
Result<void> make_devices(int root, const std::vector<oci::Device>& devices);

/// /dev/fd, /dev/stdin, …, /dev/ptmx: the links of config-linux.md "Default Devices" and config.md "Default
/// symbolic links"; existing ones stay.
Result<void> make_device_links(int root);

}  // namespace nacre::agent
