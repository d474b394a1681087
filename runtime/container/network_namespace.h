#pragma once

#include "runtime/oci/spec.h"
#include "vmm/base/result.h"

namespace nacre::runtime {

/// Puts the calling process into the host network namespace that the configuration names, or into a new one
/// if it asks for one without a path. Callers find the container's network at /proc/<relay pid>/ns/net.
/// Single-threaded callers only.
Result<void> enter_network_namespace(const oci::Spec& spec);

/// Whether the container is to have the host's own network: the configuration has no network namespace, or
/// names the one of the host's first process.
bool wants_host_network(const oci::Spec& spec);

/// A VM cannot have the host's network, and callers do not show warnings: a container that asks for it is an
/// error, unless its annotation "io.nacre.net.host" is "loopback": then it has a loopback interface only. Any
/// other value is an error. Not for a container of a pod, whose network is its VM's.
Result<void> check_host_network(const oci::Spec& spec);

}  // namespace nacre::runtime
