#pragma once

#include <sys/types.h>

#include <optional>
#include <string>

namespace nacre::commands {

/// The name of a user from /etc/passwd alone: nacre is statically linked, so there are no other sources.
std::optional<std::string> user_name(uid_t uid);

}  // namespace nacre::commands
