#pragma once

#include <sys/types.h>

#include <cstdint>
#include <map>

#include "runtime/oci/spec.h"
#include "vmm/base/file_descriptor.h"
#include "vmm/base/result.h"

/// A configuration's namespaces, as they are inside the VM. A namespace that the configuration joins by path
/// is one of the host's paths: it is that of another container of this VM where the host says so, and means
/// "what this VM has already" otherwise. The VM of its first container is that one's network namespace: the
/// host puts its interfaces there.
namespace nacre::agent {

/// Namespaces that a new container enters, open: those of other containers.
using JoinedNamespaces = std::map<oci::NamespaceType, FileDescriptor>;

/// The namespace of `type` that process `pid` is in.
Result<FileDescriptor> open_namespace(pid_t pid, oci::NamespaceType type);

/// Enters all of them. Of a pid namespace that holds for the caller's children, not for itself.
Result<void> enter_joined(const JoinedNamespaces& namespaces);

/// The CLONE_NEW* flags that a container's first process is cloned with: mount always, pid, ipc, uts as asked
/// for, network only for a `member`: one that comes into a VM that has a container already. With a user
/// namespace of its own, the first container of a VM gets every namespace that it names, so that the user
/// namespace is their owner: the VM's are not.
std::uint64_t clone_flags(const oci::Linux& linux_config, bool member);

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
