#pragma once

#include <cstdint>

namespace nacre::oci {

/// A block I/O weight of OCI's (10–1000) as an io.weight of cgroup v2 (1–10000), on a straight line as in
/// runc. Numbers out of range count as the nearest.
std::uint64_t io_weight(std::uint64_t weight);

}  // namespace nacre::oci
