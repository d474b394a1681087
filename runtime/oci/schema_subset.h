#pragma once

#include <rapidjson/document.h>

#include <string_view>
#include <vector>

namespace nacre::oci {

/// Cuts the OCI schema of a configuration down to what `document`, which stands at `place` in one, can break. Compiling a
/// schema costs far more than checking a document by it; a rule for a member that the document does not have cannot be
/// broken, and "required" stays.
void keep_schema_of(const rapidjson::Document& document, const std::vector<std::string_view>& place,
                    rapidjson::Document& schema);

}  // namespace nacre::oci
