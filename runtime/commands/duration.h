#pragma once

#include <string_view>

#include "vmm/base/result.h"

namespace nacre::commands {

/// Milliseconds of a duration as Go's time.ParseDuration takes it: "5s", "1m30s", "1.5h", "200ms", "0"; at
/// most some days. The error is Go's: "parse error".
Result<int> duration_ms(std::string_view text);

}  // namespace nacre::commands
