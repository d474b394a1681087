#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "guest-agent/protocol/messages.h"
#include "runtime/oci/spec.h"
#include "vmm/base/file_descriptor.h"

namespace nacre::agent {

/// What a container gets from outside the VM, as detached mounts that have their attributes already.
struct ShareMounts {
    FileDescriptor root;
    std::map<std::uint32_t, FileDescriptor> sources;  // by index into the configuration's mounts
};

/// The sources of bind mounts in the share, by index into the configuration's mounts; their paths are
/// checked.
using MountSources = std::map<std::uint32_t, protocol::MountSource>;

/// Copies the root (`rootfs` below `share`; empty: it is not there) and the sources of bind mounts (by index
/// into `mounts`) out of the share. By the agent, as the VM's root in the VM's mount namespace: in the mount
/// namespace of another user namespace the share's nosuid and nodev are locked, and copies keep them. The
/// error names the mount.
Result<ShareMounts> clone_share_mounts(const std::string& share, const std::string& rootfs,
                                       const MountSources& sources, const std::vector<oci::Mount>& mounts);

/// The places in the share, absolute, where the kernel mounts what those are copies of.
std::vector<std::string> share_places(const std::string& share, const std::string& rootfs,
                                      const MountSources& sources);

/// Takes what was mounted there off, so that the host's file server may close its files: a VM outlives a
/// container of a pod.
void unmount_from_share(const std::vector<std::string>& places);

}  // namespace nacre::agent
