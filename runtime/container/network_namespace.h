#pragma once

#include "runtime/oci/spec.h"
#include "vmm/base/result.h"

namespace nacre::runtime {

/// Puts the calling process into the host network namespace that the configuration names, or into a new one
/// if it asks for one without a path. Callers find the container's network at /proc/<relay pid>/ns/net.
/// Single-threaded callers only.
Result<void> enter_network_namespace(const oci::Spec& spec);

}  // namespace nacre::runtime
