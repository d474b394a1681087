#pragma once

#include <string>
#include <vector>

#include "guest-agent/container/mounts.h"
#include "runtime/oci/spec.h"
#include "vmm/base/file_descriptor.h"

/// A container's root file system, from the share to the root directory of its processes. All of it happens
/// in the container's own mount namespace, before pivot_root(2) through descriptors of the root.
namespace nacre::agent {

/// Keeps what is mounted from now on in this mount namespace.
Result<void> make_mounts_private();

/// Mounts the container's root, a detached mount, on the directory `place`.
Result<void> attach_root(int root, const std::string& place);

/// Covers each path that exists: a directory with an empty read-only tmpfs, a file with the null device.
Result<void> mask_paths(int root, const std::vector<std::string>& paths);

/// Makes each path that exists, and what is mounted below it, read-only.
Result<void> make_paths_readonly(int root, const std::vector<std::string>& paths);

/// Makes `root` the root of this mount namespace; nothing of the former tree stays reachable.
Result<void> enter_root(int root);

/// Last: late read-only mounts, rootfsPropagation, a read-only root.
Result<void> seal_root(int root, const oci::Spec& spec, const LateReadOnly& late);

/// Writes linux.sysctl, in the calling process's namespaces.
Result<void> set_sysctls(const oci::StringMap& sysctls);

}  // namespace nacre::agent
