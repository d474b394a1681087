#include "runtime/state/container_id.h"

#include <algorithm>

namespace nacre::runtime {

namespace {

bool allowed(char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' ||
           c == '+' || c == '.' || c == '-';
}

}  // namespace

Result<void> check_container_id(std::string_view id) {
    if (id.empty() || id == "." || id == ".." || !std::all_of(id.begin(), id.end(), allowed))
        return fail("invalid container ID format");
    if (id.size() > max_id_length)
        return fail("invalid container ID format: longer than {} characters", max_id_length);
    return {};
}

}  // namespace nacre::runtime
