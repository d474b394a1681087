#pragma once

#include <sys/types.h>

#include <optional>
#include <vector>

#include "runtime/oci/spec.h"
#include "vmm/base/result.h"

/// A container's user namespace inside the VM (user_namespaces(7)). The ids outside are the VM's, which are
/// those of the files on the host.
namespace nacre::agent {

/// Whether the configuration makes one. One that it joins by path is the host's and means the VM's own.
bool has_user_namespace(const oci::Linux& linux_config);

/// The id outside that `id` stands for: itself without mappings, none if they leave it out.
std::optional<std::uint32_t> outer_id(const std::vector<oci::IdMapping>& mappings, std::uint32_t id);

/// Writes the maps of `pid`, which is in a new user namespace. By the agent: the process has no right to.
Result<void> write_id_maps(pid_t pid, const oci::Linux& linux_config);

/// In the process, with its maps written: user and group 0 of its user namespace, no other groups.
Result<void> become_namespace_root();

}  // namespace nacre::agent
