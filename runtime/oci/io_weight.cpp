#include "runtime/oci/io_weight.h"

#include <algorithm>

namespace nacre::oci {

std::uint64_t io_weight(std::uint64_t weight) {
    return 1 + (std::clamp<std::uint64_t>(weight, 10, 1000) - 10) * 9999 / 990;
}

}  // namespace nacre::oci
