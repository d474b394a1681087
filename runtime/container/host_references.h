#pragma once

#include <string>

#include "runtime/oci/spec.h"
#include "vmm/base/result.h"

/// What a configuration names of this host beside files: checked before anything is made.
namespace nacre::runtime {

/// The security modules that this host's kernel has on.
struct SecurityModules {
    bool apparmor = false;
    bool selinux = false;
};
SecurityModules host_security_modules();

/// An AppArmor profile or SELinux label on a host without that module is an error, as with runc. On a host
/// with it they are accepted and confine nothing: the guest's kernel has no such module, and what they would
/// keep from the host's kernel never reaches it.
Result<void> check_labels(const oci::Process& process, const std::string& mount_label,
                          const SecurityModules& modules);

/// Every namespace to join is one of its type (config-linux.md, "Namespaces").
Result<void> check_namespace_paths(const oci::Linux& linux_config);

/// A guest cannot enter a user namespace of the host; it makes one with the configuration's mappings in its
/// place. Without these it would be the VM's own, whose root is the host's to files: an error, unless the
/// path is that of the caller's own namespace, or it is `shared`: that of another container of the VM.
Result<void> check_user_namespace(const oci::Linux& linux_config, bool shared);

}  // namespace nacre::runtime
