#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "runtime/oci/spec.h"
#include "vmm/base/file_descriptor.h"

namespace nacre::agent {

/// Where things are while a container's mounts are made.
struct MountPlaces {
    int root = -1;                 // the container's root, attached in this mount namespace
    const std::string& host_root;  // its path on the host; destinations may begin with it
    const std::map<std::uint32_t, FileDescriptor>& sources;  // detached, by index into the mounts; the
                                                             // sources of other binds are in the root
};

/// A mount that becomes read-only when everything inside it has been made.
using LateReadOnly = std::vector<FileDescriptor>;

/// Carries out the configuration's mounts, in order. The error names the mount.
Result<LateReadOnly> make_mounts(const MountPlaces& places, const std::vector<oci::Mount>& mounts);

/// Whether the mount is a bind mount: by type or by option.
bool is_bind_mount(const oci::Mount& mount);

/// Whether what is mounted may come through the share: a bind mount, or an overlay, which the host makes.
bool may_have_source(const oci::Mount& mount);

}  // namespace nacre::agent
