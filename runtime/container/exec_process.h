#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "runtime/oci/spec.h"
#include "vmm/base/result.h"

namespace nacre::runtime {

/// What the options of `exec` change in the process of a container's configuration. Empty or none: as it is
/// there. Lists are added to the configuration's, `args` take the place of its own.
struct ProcessChanges {
    std::vector<std::string> args;
    bool terminal = false;
    std::string cwd;
    std::vector<std::string> env;
    std::optional<std::uint32_t> uid;
    std::optional<std::uint32_t> gid;
    std::vector<std::uint32_t> additional_gids;
    std::vector<std::string>
        capabilities;  // bounding, effective, permitted; ambient where some are inheritable
    std::optional<bool> no_new_privileges;
    std::string apparmor_profile;
    std::string selinux_label;
};

/// The process.json of a process that is exec'd into a container with the configuration `config` (JSON text,
/// valid). Members that this runtime does not know stay as they are.
Result<std::string> exec_process_json(const std::string& config, const ProcessChanges& changes);

/// The same process.json with another consoleSize.
Result<std::string> with_console_size(const std::string& process, const oci::ConsoleSize& size);

/// "UID" or "UID:GID", as numbers, into `changes`.
Result<void> parse_user(const std::string& text, ProcessChanges& changes);

}  // namespace nacre::runtime
