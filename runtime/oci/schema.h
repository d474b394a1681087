#pragma once

#include <string_view>

#include "vmm/base/result.h"

namespace nacre::oci {

/// Which part of a configuration a document is.
enum class Part { config, process, resources };

/// Checks JSON text against the OCI JSON schema of that part. The error is one line: "<file>: <pointer>: does
/// not match the schema of the OCI runtime specification: pattern must be "^[cbup]$"". Costs about half a
/// millisecond, nearly all of it for compiling the schema. Pure; any thread.
Result<void> check_schema(std::string_view text, Part part, std::string_view file);

}  // namespace nacre::oci
