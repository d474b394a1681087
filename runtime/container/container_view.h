#pragma once

#include <string>

#include "runtime/container/guest_proc.h"
#include "runtime/oci/spec.h"
#include "vmm/base/result.h"

namespace nacre::runtime {

/// Moves the calling thread into a mount namespace of its own whose root is the container's root file system,
/// with what the configuration binds in place. Programs of the host enter the mount namespace of a
/// container's pid and take what is there for the container's files (`podman cp`); without this it would be
/// the host's.
///
/// What only the guest has (tmpfs, devices) is an empty read-only directory here, but /proc and /dev/pts show
/// the guest's processes and their terminals if `guest_proc` is not null. Paths are resolved in
/// the container's root on descriptors, and nothing is made there: a place that does not exist is left out.
/// `scratch` is any directory of the host; in the new namespace alone something is mounted over it.
///
/// Other threads stay where they are. Takes single milliseconds.
Result<void> enter_container_view(const oci::Spec& spec, const std::string& bundle,
                                  const std::string& scratch, const GuestProc* guest_proc);

}  // namespace nacre::runtime
