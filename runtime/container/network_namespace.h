#pragma once

#include "runtime/container/warn.h"
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

/// A VM cannot have the host's network. That a container gets a loopback interface in its place is an error
/// for a pod's sandbox, and where the configuration names the namespace of the host's first process: such
/// callers mean it, and do not show warnings. Not so with the annotation "io.nacre.net.host" = "loopback";
/// any other value of that is an error. A configuration without a network namespace may as well have nothing
/// to do with networks: `warn`, which may be empty, is told. Not for a container of a pod, whose network is
/// its VM's.
Result<void> check_host_network(const oci::Spec& spec, bool sandbox, const Warn& warn);

}  // namespace nacre::runtime
