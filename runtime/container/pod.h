#pragma once

#include <string>
#include <vector>

#include "guest-agent/protocol/messages.h"
#include "runtime/oci/spec.h"
#include "runtime/state/store.h"

namespace nacre::runtime {

/// What a new container is to the VM that it runs in.
struct Pod {
    bool sandbox = false;    // the VM is made for it, and stays until it is deleted
    std::string sandbox_id;  // the container that the VM was made for; empty: this one
    std::string vm_directory;
    ProcessIdentity vmm;                                  // of a VM that is there already
    std::vector<protocol::SharedNamespace> namespaces{};  // of other containers in the VM

    bool is_member() const { return !sandbox_id.empty(); }

    /// Whether a namespace of that kind is another container's in the VM.
    bool shares(oci::NamespaceType type) const;
};

/// Whether the annotations, those of containerd's and CRI-O's CRI, are those of a pod's sandbox.
bool is_sandbox(const oci::StringMap& annotations);

/// The pid that a namespace path of proc(5) names, "/proc/<pid>/ns/<type>"; 0 for any other path.
pid_t pid_of_namespace_path(const std::string& path);

/// Finds out where a container belongs. Into the VM of another one
///
/// - that its annotations name as its sandbox (containerd, CRI-O, podman's pods), or
/// - whose pid is in the path of a namespace that it joins.
///
/// A namespace with such a path, or with one that the sandbox's own configuration has or whose network it is,
/// is the other container's in the guest as well. Else it gets a VM of its own. An error if the sandbox is
/// not there or not running. Reads the state of other containers, without locks: one that is deleted
/// meanwhile makes the create fail later.
Result<Pod> find_pod(const Store& store, const oci::Spec& spec);

}  // namespace nacre::runtime
