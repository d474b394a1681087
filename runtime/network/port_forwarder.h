#pragma once

#include <memory>
#include <string>

#include "vmm/base/result.h"

namespace nacre::runtime {

/// `kubectl port-forward` and the like enter a container's network namespace and connect to a port of
/// localhost there. The services are in the guest: such connections are taken here and go on, over a stream
/// of the agent's, to the same port of the guest's loopback addresses. One that the guest refuses is reset.
///
/// To be called in the namespace, which must not be the host's. Goes on in threads of its own until the
/// process ends, with at most 128 connections at once; more of them wait.
Result<void> forward_ports(const std::string& vm_directory, const std::string& container);

}  // namespace nacre::runtime
