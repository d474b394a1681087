#pragma once

#include <string_view>
#include <vector>

#include "vmm/base/result.h"

namespace nacre::oci {

/// The numbers of a list such as "0-3,7" (cpuset(7), "List format"), at most 1023 each.
Result<std::vector<unsigned>> parse_cpu_list(std::string_view list);

}  // namespace nacre::oci
