#include "runtime/oci/cpu_weight.h"

#include <cmath>

namespace nacre::oci {

std::uint64_t cpu_weight(std::uint64_t shares) {
    constexpr std::uint64_t least = 2;
    constexpr std::uint64_t most = 262'144;
    if (shares <= least)
        return 1;
    if (shares >= most)
        return 10'000;
    // The curve through (2, 1), (1024, 100), (262144, 10000) that runc and Kubernetes agreed on.
    const double l = std::log2(static_cast<double>(shares));
    return static_cast<std::uint64_t>(std::ceil(std::pow(10.0, (l * l + 125.0 * l) / 612.0 - 7.0 / 34.0)));
}

}  // namespace nacre::oci
