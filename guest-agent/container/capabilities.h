#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "runtime/oci/spec.h"
#include "vmm/base/result.h"

namespace nacre::agent {

/// Sets of capabilities, a bit each (bit n: capability n).
struct CapabilitySets {
    std::uint64_t bounding = 0;
    std::uint64_t effective = 0;
    std::uint64_t inheritable = 0;
    std::uint64_t permitted = 0;
    std::uint64_t ambient = 0;
};

/// The number of a capability ("CAP_CHOWN", in any case), or none.
std::optional<unsigned> capability_number(const std::string& name);

/// The configuration's sets. Names that this kernel does not know are left out, as runc does: a set of "all"
/// made for a newer kernel is not an error.
CapabilitySets capability_sets(const oci::Capabilities& capabilities);

/// Drops from the bounding set; needs CAP_SETPCAP, so it comes before the user is changed.
Result<void> limit_bounding_set(const CapabilitySets& sets);

/// Sets effective, permitted, inheritable and ambient; comes after the user was changed, with
/// PR_SET_KEEPCAPS.
Result<void> set_capabilities(const CapabilitySets& sets);

}  // namespace nacre::agent
