#pragma once

#include <cstdint>

#include "guest-agent/container/mount_options.h"
#include "runtime/oci/spec.h"
#include "vmm/base/file_descriptor.h"

namespace nacre::agent {

/// A detached mount of the file system that `mount` names, made with the values and flags of `options` and
/// with `attributes` (MOUNT_ATTR_*) on the mount. The error says what the kernel did not like.
Result<FileDescriptor> new_file_system(const oci::Mount& mount, const MountOptions& options,
                                       std::uint64_t attributes);

/// The kernel's name of a configuration's file-system type.
std::string file_system_type(const oci::Mount& mount);

}  // namespace nacre::agent
