#pragma once

#include <string_view>

#include "vmm/base/result.h"

namespace nacre::runtime {

/// Longest name that a directory entry may have (NAME_MAX): an id names its container's state directory.
constexpr std::size_t max_id_length = 255;

/// Whether `id` may name a container: letters, digits, "_", "+", ".", "-"; not "." or "..". The error is
/// runc's: "invalid container ID format".
Result<void> check_container_id(std::string_view id);

}  // namespace nacre::runtime
