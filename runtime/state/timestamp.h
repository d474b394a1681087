#pragma once

#include <time.h>

#include <string>

namespace nacre::runtime {

/// "2026-11-23T21:41:07Z" (RFC 3339, UTC).
std::string rfc3339(const timespec& time);

/// "2026-11-23T21:41:07.123456789Z", Go's RFC3339Nano, as OCI callers read it.
std::string rfc3339_nano(const timespec& time);

/// CLOCK_REALTIME.
timespec now();

}  // namespace nacre::runtime
