#pragma once

#include <cstdint>

#include "vmm/base/result.h"

namespace nacre::jail {

/// Sets of capabilities, one bit each (capabilities(7), linux/capability.h).
using CapabilitySet = std::uint64_t;

/// What virtio-fs threads need to act as any user of the guest on the share: change owners, pass permission
/// checks that the guest's kernel has made already, take on a user's identity, make device nodes, and write
/// security.capability.
CapabilitySet file_server_capabilities();

/// Makes `kept` the most that this process can ever have again: the bounding set. Ambient capabilities go.
Result<void> limit_bounding_set(CapabilitySet kept);

/// Sets secure bits (capabilities(7)) for good: an id that changes leaves capabilities alone, and user 0 has
/// none because it is user 0.
Result<void> untie_capabilities_from_users();

/// Drops all permitted, effective and inheritable capabilities of the calling thread but those of `kept` that
/// it has.
Result<void> keep_capabilities(CapabilitySet kept);

}  // namespace nacre::jail
