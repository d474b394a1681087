#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "runtime/oci/spec.h"

namespace nacre::agent {

/// The environment of a container's process, called in its root: process.env, completed from its passwd(5)
/// file.
std::vector<std::string> process_environment(const oci::Process& process);

/// What a program of user `uid` gets for process.env: of several entries of one name the last, in its place,
/// and HOME where the configuration has none or an empty one: from `passwd`, the text of the container's
/// passwd(5) file, else "/". The specification says nothing of either; programs rely on what runc does.
std::vector<std::string> complete_environment(const std::vector<std::string>& configured,
                                              std::string_view passwd, std::uint32_t uid);

}  // namespace nacre::agent
