#pragma once

#include <string_view>

#include "runtime/oci/spec.h"
#include "vmm/base/result.h"

/// What a configuration must mean beyond its types (parser.h) before anything is made for it: the rules of
/// the OCI runtime specification, and runc's where that is stricter. An error is one line that begins with
/// the JSON pointer of its cause: "/process/cwd: must be an absolute path". Pure; any thread.
namespace nacre::oci {

/// A whole configuration, as `create` and `run` take it.
Result<void> validate(const Spec& spec);

/// A process alone, as `exec` takes it. `place` is put in front of every pointer.
Result<void> validate(const Process& process, std::string_view place = "");

/// Resources alone, as `update` takes them.
Result<void> validate(const Resources& resources, std::string_view place = "");

}  // namespace nacre::oci
