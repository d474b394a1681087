#pragma once

#include <optional>
#include <string>

namespace nacre::oci {

/// What `path` is called inside the directory `root` ("/" for `root` itself); none if it is not in there.
/// Both are absolute and are compared by their names alone: links are not followed. Nothing is inside "/",
/// where names stay what they are.
std::optional<std::string> path_inside(const std::string& root, const std::string& path);

}  // namespace nacre::oci
