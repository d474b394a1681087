#pragma once

#include <string>
#include <vector>

#include "runtime/container/vm_size.h"
#include "runtime/state/store.h"

namespace nacre::runtime {

/// The VM for a pod: that of its sandbox (vm_size()), or larger where the limits of the other containers together ask for
/// more. Beside containers without a memory limit the sandbox's size is what those share. `members` are the limits of
/// each.
VmSize pod_size(const VmSize& sandbox, const std::vector<oci::Resources>& members);

/// The same of the pod of `sandbox_id`, from its configuration and the present limits of its containers that have not
/// stopped, but for container `id`: that has, or is to have, those of `resources`; none if it goes.
Result<VmSize> pod_size(const Store& store, const std::string& sandbox_id, const std::string& id,
                        const oci::Resources* resources);

}  // namespace nacre::runtime
