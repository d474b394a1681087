#pragma once

#include <string>
#include <string_view>

namespace nacre::cli {

/// The newest version of the OCI runtime specification whose configurations are understood.
constexpr std::string_view spec_version = "1.2.1";

/// The commit that was built, "unknown" outside a repository.
extern const std::string_view commit;

/// What `nacre --version` prints: three lines that callers parse.
std::string version_text();

}  // namespace nacre::cli
