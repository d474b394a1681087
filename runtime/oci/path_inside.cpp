#include "runtime/oci/path_inside.h"

#include <filesystem>

namespace nacre::oci {

namespace {

std::string normal(const std::string& path) {
    auto text = std::filesystem::path(path).lexically_normal().string();
    while (text.size() > 1 && text.ends_with('/'))
        text.pop_back();
    return text;
}

}  // namespace

std::optional<std::string> path_inside(const std::string& root, const std::string& path) {
    const auto outer = normal(root);
    const auto inner = normal(path);
    if (outer == "/" || !outer.starts_with('/'))
        return std::nullopt;
    if (inner == outer)
        return "/";
    return inner.starts_with(outer + "/") ? std::optional(inner.substr(outer.size())) : std::nullopt;
}

}  // namespace nacre::oci
