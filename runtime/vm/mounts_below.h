#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace nacre::runtime {

/// The mount points below `directory` (absolute, without links) in the text of a mountinfo file (proc(5)),
/// relative to it, outer before inner: "sub", "sub/inner". At most a few thousand: what nobody has.
std::vector<std::string> mounts_below(std::string_view mountinfo, const std::string& directory);

/// The same for the calling process's mount namespace. `source` may contain links. Empty if that cannot be
/// told.
std::vector<std::string> mounts_below(const std::string& source);

}  // namespace nacre::runtime
