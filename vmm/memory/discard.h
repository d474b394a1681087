#pragma once

#include <cstddef>
#include <span>

#include "vmm/base/result.h"

namespace nacre {

/// Gives the host's pages behind `memory` back to the host; the addresses stay mapped. Whole pages only,
/// those that `memory` has in part are left. Of a private anonymous mapping they then read as zeroes, of a
/// private mapping of a file as the file does. From any thread.
Result<void> discard(std::span<std::byte> memory);

}  // namespace nacre
