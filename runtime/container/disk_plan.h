#pragma once

#include <string>
#include <vector>

#include "guest-agent/protocol/messages.h"
#include "runtime/oci/spec.h"
#include "vmm/base/file_descriptor.h"

namespace nacre::runtime {

/// An image file or block device of the host that a container gets as a disk of its VM.
struct PlannedDisk {
    protocol::DiskRole role;
    std::uint32_t index;  // into the configuration's mounts, resp. linux.devices
    FileDescriptor file;  // open for reading alone if `read_only`, else for writing too
    bool read_only;
    std::string id;  // what the guest sees as the disk's serial number
};

/// Whether the root of `spec` is not a directory but an image file or block device.
Result<bool> has_root_disk(const std::string& bundle, const oci::Spec& spec);

/// Whether a mount of the configuration is of a file system that lies on a disk: then its source is a block
/// device or, as no other runtime has it, an image file.
bool is_disk_mount(const oci::Mount& mount);

/// Opens what `spec` names of the host that goes into the VM as a disk, in the calling process's mount
/// namespace; relative paths are the bundle's:
///
/// - a root that is no directory,
/// - the sources of disk mounts,
/// - block devices of linux.devices that a rule of the device cgroup allows by their own number, if the host
///   has them and there is a medium in them. A rule for all devices is not enough: a privileged container
///   names every device of the host, and none of those is anybody's wish.
///
/// A root or mount that would be mounted writable in two VMs is refused; a device of linux.devices may be
/// shared.
///
/// What is opened is decided by the type of the file behind the descriptor, never by its name or by what is
/// mounted there. The error names the place in the configuration.
Result<std::vector<PlannedDisk>> plan_disks(const std::string& bundle, const oci::Spec& spec);

}  // namespace nacre::runtime
