#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "runtime/oci/spec.h"
#include "vmm/base/result.h"

namespace nacre::agent {

/// Turns the calling process, in its container's root, into the configuration's user: bounding set, groups,
/// user, capabilities, umask.
Result<void> become_user(const oci::Process& process);

/// The home directory of `uid` in the text of a passwd(5) file, or none.
std::optional<std::string> home_directory(std::string_view passwd, std::uint32_t uid);

}  // namespace nacre::agent
