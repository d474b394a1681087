#pragma once

#include <string_view>

#include "runtime/oci/spec.h"
#include "vmm/base/result.h"

/// JSON text of the OCI runtime specification → the structs of spec.h. Checked here: JSON syntax, types, the
/// range of numbers, presence of required members, and the closed lists that structs keep as enums. Unknown
/// members are ignored, as the specification demands. What a configuration means is checked by validation.h.
/// `file` is what the one-line errors begin with: "config.json: /process/args/0: must be a string, not a
/// number". All functions are pure and safe from any thread.
namespace nacre::oci {

/// A container's config.json.
Result<Spec> parse_config(std::string_view text, std::string_view file = "config.json");

/// The process object alone, as `exec --process` takes it.
Result<Process> parse_process(std::string_view text, std::string_view file = "process.json");

/// The linux.resources object alone, as `update --resources` takes it.
Result<Resources> parse_resources(std::string_view text, std::string_view file = "resources");

/// "pid", "network", … as the specification writes them; and back (none for an unknown name).
std::string_view name_of(NamespaceType type);
std::optional<NamespaceType> namespace_type(std::string_view name);

}  // namespace nacre::oci
