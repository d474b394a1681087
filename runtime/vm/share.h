#pragma once

#include <optional>
#include <string>
#include <vector>

#include "runtime/vm/id_mapped_mount.h"
#include "vmm/base/file_descriptor.h"

namespace nacre::runtime {

/// How a host tree appears in the share. The file server obeys these mount flags, so the guest cannot lift
/// them.
struct TreeOptions {
    bool read_only = false;
    bool read_only_below = false;  // its sub-mounts too
    std::optional<MountIds> ids;
    bool recursive = true;  // with its sub-mounts
    bool follow = false;    // the host's later mounts below the source appear too (propagation "slave")
};

/// A detached copy of a host mount tree, and the place in the share that it is meant for.
struct ShareMount {
    std::string target;  // relative to the share's root, e.g. "<id>/rootfs"
    bool directory;      // else a single file
    FileDescriptor tree;
};

/// Copies the tree at `source` of the calling process's mount namespace: open_tree(2) with OPEN_TREE_CLONE,
/// then mount_setattr(2). Nothing is mounted anywhere yet, so nothing is left behind if it is dropped. Device
/// nodes in it cannot be opened.
Result<ShareMount> clone_tree(const std::string& source, std::string target, const TreeOptions& options);

/// The same of a new overlay file system: `options` are those of the configuration's mount, of which "name=value" and
/// overlayfs's own flags are for it (overlayfs.rst); their paths are of the calling process's mount namespace.
Result<ShareMount> overlay_tree(const std::vector<std::string>& options, std::string target,
                                const TreeOptions& tree_options);

/// In a mount namespace of the caller's own: mounts a small tmpfs over the directory `place`, puts `mounts`
/// into it, and makes the tmpfs itself read-only. Returns the root directory of the share.
///
/// All of it lives in that mount namespace alone and ends with it: no mount is ever visible on the host.
Result<FileDescriptor> make_share(const std::string& place, const std::vector<ShareMount>& mounts);

// --- The share of a running VM, from outside its mount namespace. All fork; the caller must be single-threaded.

/// Puts further `mounts` into it.
Result<void> add_to_share(int vmm_pidfd, const std::vector<ShareMount>& mounts);

/// Takes everything below the directory `name` out of it, and the directory, and the mounts at `further` targets.
/// What is gone already is no error.
Result<void> remove_from_share(int vmm_pidfd, const std::string& name,
                               const std::vector<std::string>& further);

/// Makes the tree at `target` in it read-only: for a root file system in which the agent had to make mount points
/// first.
Result<void> make_read_only(int vmm_pidfd, const std::string& target);

}  // namespace nacre::runtime
