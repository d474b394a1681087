#pragma once

#include <string>
#include <vector>

#include "runtime/check/requirement.h"

namespace nacre::check {

/// Looks at everything that running a container needs from this host, changing nothing. Takes well under a
/// second where KVM is fit, at most a few seconds anywhere. `state_root` is the --root that containers would
/// use.
std::vector<Requirement> check_host(const std::string& state_root);

}  // namespace nacre::check
