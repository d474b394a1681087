#pragma once

#include <functional>
#include <string>

namespace nacre::runtime {

/// Told of what went wrong without making the operation fail: one line for the log.
using Warn = std::function<void(const std::string&)>;

}  // namespace nacre::runtime
