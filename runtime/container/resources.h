#pragma once

#include <string>

#include "runtime/container/vm_size.h"
#include "runtime/oci/spec.h"
#include "runtime/state/store.h"

namespace nacre::runtime {

/// linux.resources as JSON text, changed by another: objects member by member, all else is replaced; null
/// changes nothing. `change` may be anything that is a JSON object; rules for devices are left as they are,
/// as runc does.
Result<std::string> merge_resources(const std::string& current, const std::string& change);

/// What the container now has: as last updated, else as in its configuration.
Result<std::string> load_resources(const ContainerDirectory& directory);
Result<void> save_resources(const ContainerDirectory& directory, const std::string& resources);

/// Refuses limits that a VM of that size cannot give, where `hardware` has fixed it, unless they are the
/// present ones: memory above its RAM less what the guest itself needs, a CPU quota above its CPUs. `wanted`
/// holds all limits, not only the changes.
Result<void> check_fits(const oci::Resources& wanted, const oci::Resources& present,
                        const oci::VmHardware& hardware, const VmSize& size);

}  // namespace nacre::runtime
