#pragma once

#include "vmm/base/result.h"

namespace nacre::cli {

/// Opens /dev/null in the place of each of the descriptors 0, 1, 2 that the caller has closed: else the next
/// file opened would get that number and be taken for a standard stream. Call first in main().
Result<void> open_closed_standard_streams();

}  // namespace nacre::cli
