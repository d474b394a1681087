#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "guest-agent/container/device_numbers.h"
#include "guest-agent/container/share_mounts.h"
#include "runtime/oci/spec.h"

/// Disks of the VM (virtio-blk) that stand for what a configuration names on the host.
namespace nacre::agent {

/// Which disk, by the kernel's name of it ("vda"), stands for what.
struct DiskNames {
    std::string root;                              // empty: the root is a directory of the share
    std::map<std::uint32_t, std::string> mounts;   // by index into the configuration's mounts
    std::map<std::uint32_t, std::string> devices;  // by index into linux.devices
};

/// Gives linux.devices the numbers of their disks, and says which were replaced.
Result<std::vector<DeviceTranslation>> renumber_devices(std::vector<oci::Device>& devices,
                                                        const std::map<std::uint32_t, std::string>& disks);

/// The major number of all disks of this VM (/proc/devices); -1 if it can have none.
std::int64_t disk_major();

/// Mounts the disks that hold the root and mounts of `spec`, detached, beside what comes from the share. By
/// the agent, since the root of a user namespace must not; a disk that does not answer holds the agent up.
/// The file system of the root is found out by trying. The error names the mount.
Result<void> mount_disks(const DiskNames& disks, const oci::Spec& spec, ShareMounts& mounts);

}  // namespace nacre::agent
