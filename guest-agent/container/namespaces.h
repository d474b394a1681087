#pragma once

#include <cstdint>

#include "runtime/oci/spec.h"
#include "vmm/base/result.h"

/// A configuration's namespaces, as they are inside the VM. A namespace that the configuration joins by path
/// is one of the host's paths and means "what this VM has already". The VM of a standalone container is its
/// network namespace: nothing else is in it, and the host puts its interfaces there.
namespace nacre::agent {

/// The CLONE_NEW* flags that a container's first process is cloned with: mount always, pid, ipc, uts as asked
/// for, network only in a VM of several containers. With a user namespace of its own, the container of a
/// standalone VM gets every namespace that it names, so that the user namespace is their owner: the VM's are
/// not.
std::uint64_t clone_flags(const oci::Linux& linux_config, bool standalone);

/// In the new process, already in its cgroup: enters the namespaces that clone cannot make (cgroup, time).
Result<void> enter_late_namespaces(const oci::Linux& linux_config);

/// Brings the loopback interface of the calling process's network namespace up.
Result<void> bring_loopback_up();

/// Enters every namespace of the process behind `pidfd` (children of the caller are in its pid namespace),
/// and with them its root directory. `user_namespace`: whether it has one of its own; the caller becomes its
/// root.
Result<void> enter_namespaces_of(int pidfd, bool user_namespace);

/// Sets host and domain name where the configuration has them.
Result<void> set_names(const oci::Spec& spec);

}  // namespace nacre::agent
