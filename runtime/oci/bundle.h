#pragma once

#include <string>

#include "runtime/oci/spec.h"
#include "vmm/base/result.h"

namespace nacre::oci {

/// Bytes of a configuration file that are read at most.
constexpr std::size_t max_config_bytes = 2 * 1024 * 1024;

/// An OCI bundle, read and checked whole: nothing has been made on the host for it yet.
struct Bundle {
    std::string directory;  // absolute
    std::string config;     // the text of config.json, for the agent
    Spec spec;
    std::string rootfs;  // absolute; a directory
};

/// Reads the bundle in `directory` (relative to the current one) and checks its configuration: syntax, types,
/// meaning, schema, and that the root file system is there. `config_file` replaces <directory>/config.json.
/// Every error is one line that says what is wrong where.
Result<Bundle> load_bundle(const std::string& directory, const std::string& config_file = "");

/// A process file of `exec --process`, and its text, checked in the same way.
struct ProcessFile {
    std::string text;
    Process process;
};
Result<ProcessFile> load_process(const std::string& path);

}  // namespace nacre::oci
