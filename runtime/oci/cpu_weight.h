#pragma once

#include <cstdint>

namespace nacre::oci {

/// CPU shares (2–262144) as a cpu.weight of cgroup v2 (1–10000), as runc 1.4 converts them: 1024, the default
/// of the one, becomes 100, the default of the other. Numbers out of range count as the nearest.
std::uint64_t cpu_weight(std::uint64_t shares);

}  // namespace nacre::oci
