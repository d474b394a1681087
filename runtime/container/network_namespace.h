#pragma once

#include "runtime/oci/spec.h"
#include "vmm/base/result.h"

namespace nacre::runtime {

/// Puts the calling process into the host network namespace that the configuration names, or into a new one
/// if it asks for one without a path. Callers find the container's network at /proc/<relay pid>/ns/net.
/// Single-threaded callers only.
Result<void> enter_network_namespace(const oci::Spec& spec);

/// Whether the container is to have the host's own network: the configuration has no network namespace, or
/// names the one of the host's first process. A VM cannot have it, and has a loopback interface only.
bool wants_host_network(const oci::Spec& spec);

}  // namespace nacre::runtime
