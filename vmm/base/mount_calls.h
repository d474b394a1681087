#pragma once

#include <cstdint>
#include <string>

#include "vmm/base/file_descriptor.h"

/// mount(2)'s successors, on descriptors: a mount is made detached, given its attributes, and attached to a
/// place that was resolved before. Nothing is ever mounted through a path that could have changed meanwhile.
namespace nacre {

/// A detached copy of the mount at `source` (any descriptor, O_PATH too), with its sub-mounts or without.
Result<FileDescriptor> clone_mount(int source, bool recursive);

/// The same of the mount at `path` of the calling process's mount namespace.
Result<FileDescriptor> clone_mount(const std::string& path, bool recursive);

/// What a tmpfs may hold, as mount(8) writes it.
struct TmpfsLimits {
    const char* size;
    const char* inodes;
};

/// A detached tmpfs: nosuid, nodev, noexec, its root directory 0755.
Result<FileDescriptor> make_tmpfs_mount(const TmpfsLimits& limits);

/// One for mount points and nothing else.
Result<FileDescriptor> make_mount_point_tmpfs();

/// A detached procfs of the calling process's PID namespace with its processes and nothing else (proc(5),
/// subset=pid): read-only, nosuid, nodev, noexec.
Result<FileDescriptor> make_process_mount();

/// Puts a detached mount over `target`, an O_PATH descriptor of a directory or file.
Result<void> attach_mount(int mount, int target);

/// mount_setattr(2): MOUNT_ATTR_* to set and to clear, and a propagation type (MS_PRIVATE, …; 0: as it is).
Result<void> change_mount(int mount, std::uint64_t set, std::uint64_t clear, std::uint64_t propagation,
                          bool recursive);

/// What the kernel wrote into a file-system context (fsopen(2)) about the last failure, as " (e tmpfs: Bad
/// value …)"; "" if nothing. errno stays that failure's.
std::string file_system_message(int context);

}  // namespace nacre
