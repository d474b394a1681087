#pragma once

#include <sys/mount.h>

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "vmm/base/result.h"

namespace nacre::agent {

/// What the option list of an OCI mount (config.md "Mounts", config-linux.md) asks for, sorted by the call
/// that carries it out.
struct MountOptions {
    // mount_setattr(2) on the mount itself. What `set` does not name is cleared.
    std::uint64_t set = 0;
    bool any_attribute = false;  // an option of this kind was given, be it a clearing one ("rw")

    // mount_setattr(2) with AT_RECURSIVE ("rro", …).
    std::uint64_t recursive_set = 0;
    std::uint64_t recursive_clear = 0;

    // The propagation type (MS_PRIVATE, …), 0 for none; with sub-mounts ("rprivate") or not.
    std::uint64_t propagation = 0;
    bool recursive_propagation = false;

    // fsconfig(2): options that the file system takes without and with a value.
    std::vector<std::string> flags;
    std::vector<std::pair<std::string, std::string>> values;

    bool bind = false;
    bool recursive_bind = false;
    bool copy_up = false;  // "tmpcopyup": the tmpfs begins with what it hides
};

/// Sorts `options`; later ones override earlier ones. Any option is allowed: one that is not known here is
/// the file system's, and the kernel refuses it if it is not.
MountOptions parse_mount_options(const std::vector<std::string>& options);

/// MS_SHARED for "shared" and so on, with MS_REC for "rshared"; 0 for any other text.
std::uint64_t propagation_flags(std::string_view name);

}  // namespace nacre::agent
