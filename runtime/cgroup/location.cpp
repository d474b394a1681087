#include "runtime/cgroup/location.h"

#include <algorithm>
#include <string_view>

namespace nacre::runtime {

namespace {

/// "/a/b" for "a//./x/../b": nothing climbs out of it. Empty for the root.
std::string clean(std::string_view path) {
    std::vector<std::string_view> parts;
    while (!path.empty()) {
        const auto slash = std::min(path.find('/'), path.size());
        const auto part = path.substr(0, slash);
        path.remove_prefix(std::min(slash + 1, path.size()));
        if (part == ".." && !parts.empty())
            parts.pop_back();
        else if (!part.empty() && part != "." && part != "..")
            parts.push_back(part);
    }
    std::string result;
    for (const auto part : parts)
        result.append("/").append(part);
    return result;
}

/// Where relative paths begin.
std::string base_of(const CgroupHierarchy& hierarchy) {
    const auto own = clean(hierarchy.own_path);
    return hierarchy.unified && !own.empty() ? own.substr(0, own.rfind('/')) : own;
}

/// "/a.slice/a-b.slice" for "a-b.slice".
Result<std::string> slice_path(const std::string& slice) {
    constexpr std::string_view suffix = ".slice";
    const bool named = slice.size() > suffix.size() && slice.ends_with(suffix);
    const auto stem = slice.substr(0, named ? slice.size() - suffix.size() : 0);
    if (stem == "-")
        return std::string();
    if (stem.empty() || stem.find('/') != std::string::npos || stem.front() == '-' || stem.back() == '-' ||
        stem.find("--") != std::string::npos)
        return fail("config.json: /linux/cgroupsPath: invalid slice name: {}", slice);
    std::string path;
    for (auto dash = stem.find('-'); dash != std::string::npos; dash = stem.find('-', dash + 1))
        path += "/" + stem.substr(0, dash) + ".slice";
    return path + "/" + slice;
}

}  // namespace

Result<std::vector<std::string>> cgroupfs_directories(const std::string& cgroups_path, const std::string& id,
                                                      const std::vector<CgroupHierarchy>& hierarchies) {
    const auto inner = clean(cgroups_path.empty() ? id : cgroups_path);
    if (inner.empty())
        return fail(
            "config.json: /linux/cgroupsPath: \"{}\" is the root cgroup, which cannot be a container's",
            cgroups_path);
    std::vector<std::string> directories;
    for (const auto& hierarchy : hierarchies) {
        const auto base = cgroups_path.starts_with('/') ? "" : base_of(hierarchy);
        directories.push_back(hierarchy.mount_point + base + inner);
    }
    return directories;
}

Result<SystemdScope> systemd_scope(const std::string& cgroups_path, const std::string& id) {
    if (cgroups_path.empty())
        return SystemdScope{"system.slice", "nacre-" + id + ".scope"};
    if (std::ranges::count(cgroups_path, ':') != 2)
        return fail(
            "expected cgroupsPath to be of format \"slice:prefix:name\" for systemd cgroups, got \"{}\" "
            "instead",
            cgroups_path);
    const auto first = cgroups_path.find(':');
    const auto second = cgroups_path.find(':', first + 1);
    const auto slice = cgroups_path.substr(0, first);
    const auto name = cgroups_path.substr(second + 1);
    if (name.empty() || name.ends_with(".slice") || cgroups_path.find('/') != std::string::npos)
        return fail("config.json: /linux/cgroupsPath: \"{}\" does not name a scope of systemd", cgroups_path);
    return SystemdScope{slice.empty() ? "system.slice" : slice,
                        cgroups_path.substr(first + 1, second - first - 1) + "-" + name + ".scope"};
}

Result<std::vector<std::string>> scope_directories(const SystemdScope& scope,
                                                   const std::vector<CgroupHierarchy>& hierarchies) {
    NACRE_ASSIGN(const auto slice, slice_path(scope.slice));
    std::vector<std::string> directories;
    for (const auto& hierarchy : hierarchies)
        directories.push_back(hierarchy.mount_point + slice + "/" + scope.unit);
    return directories;
}

}  // namespace nacre::runtime
