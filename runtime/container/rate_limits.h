#pragma once

#include "runtime/oci/spec.h"
#include "vmm/base/rate_limiter.h"
#include "vmm/base/result.h"

namespace nacre::runtime {

/// What nacre-vmm holds a container's devices to.
struct RateLimits {
    RateLimit block;     // each of its disks
    RateLimit receive;   // each interface, as the guest sees it
    RateLimit transmit;  // likewise
};

/// Reads "io.nacre.block.bytes-per-second", "…bytes-burst", "…operations-per-second" and "…operations-burst",
/// and the same of "io.nacre.net.rx" and "io.nacre.net.tx": decimal numbers within bounds, none with a sign.
/// A burst without its rate is an error; a rate without its burst has one of a second. The error names the
/// annotation and what it may be. Others are not looked at.
Result<RateLimits> rate_limits(const oci::StringMap& annotations);

}  // namespace nacre::runtime
