#pragma once

#include <string_view>

namespace nacre::oci {

/// The OCI runtime specification's JSON schema of config.json, bundled by embed_schema.cmake.
extern const std::string_view embedded_schema;

}  // namespace nacre::oci
