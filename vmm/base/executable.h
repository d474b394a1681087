#pragma once

#include <string>

#include "vmm/base/result.h"

namespace nacre {

/// The directory of the running program's file: what is installed beside it is found from there.
Result<std::string> executable_directory();

}  // namespace nacre
