#pragma once

#include <string>
#include <vector>

#include "guest-agent/protocol/messages.h"
#include "runtime/oci/spec.h"
#include "runtime/vm/share.h"

namespace nacre::runtime {

/// Where in a pod's share volumes are: what its containers bind, "volumes/<key>/<name>". The key tells which file or
/// directory it is, of which mount, and how it is shared; the name is its own.
constexpr const char* volumes_name = "volumes";

/// The host trees that a container needs in its VM's share, and what the agent is told about them.
struct SharePlan {
    std::string rootfs;                         // below the share; empty: a disk (disk_plan.h)
    std::vector<ShareMount> trees;              // the rootfs first, then its overlays and the sources of its bind mounts
    std::vector<protocol::MountSource> mounts;  // one for each overlay, and for each bind mount
                                                // whose source is not in the rootfs
};

/// Whether a mount of the configuration binds a host file or directory (type "bind", or option bind or
/// rbind).
bool is_bind_mount(const oci::Mount& mount);

/// Whether a mount is an overlay of host directories, which is made on the host: its options name their paths.
bool is_overlay(const oci::Mount& mount);

/// How the tree behind a bind mount is shared: read-only where any of its options say so.
TreeOptions tree_options(const oci::Mount& mount);

/// How a mount maps ids: by its own mappings or, with "idmap" or "ridmap" alone, by those of the container's
/// user namespace; none if it does not.
std::optional<MountIds> mount_ids(const oci::Mount& mount, const oci::Linux& linux_config);

/// A path of the configuration: as it is if absolute, else below the bundle.
std::string path_in_bundle(const std::string& bundle, const std::string& path);

/// Opens the rootfs and every bind source outside it, in the calling process's mount namespace. Relative
/// paths are the bundle's. `pod`: the VM may have other containers, so that sources are volumes. The error names the
/// configuration's mount whose source is missing.
Result<SharePlan> plan_share(const std::string& container_id, const std::string& bundle,
                             const oci::Spec& spec, bool pod);

class VolumeUsers;

/// Registers container `id` as a user of the volumes of its plan. Those that the share has already are used instead of
/// the plan's trees, which go. A volume that the VM may write to serves a mount that only reads, too: its mount flag
/// in the guest is all that could hold there.
Result<void> use_volumes(const std::string& id, SharePlan& plan, const VolumeUsers& users);

}  // namespace nacre::runtime
