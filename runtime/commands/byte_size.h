#pragma once

#include <cstdint>
#include <string_view>

#include "vmm/base/result.h"

namespace nacre::commands {

/// A number of bytes as runc's options take it: "1048576", "1.5m", "64 MiB" (units of 1024: k, m, g, t, p,
/// with or without "b" or "ib", any case), or "-1", which means no limit. The error is runc's: "invalid size:
/// '…'".
Result<std::int64_t> byte_size(std::string_view text);

}  // namespace nacre::commands
