#include "runtime/cgroup/hierarchy.h"

#include <algorithm>

#include "vmm/base/file.h"

namespace nacre::runtime {

namespace {

constexpr std::size_t proc_file_limit = 4 * 1024 * 1024;

std::vector<std::string> split(std::string_view text, char separator) {
    std::vector<std::string> parts;
    while (true) {
        const auto end = text.find(separator);
        parts.emplace_back(text.substr(0, end));
        if (end == std::string_view::npos)
            return parts;
        text.remove_prefix(end + 1);
    }
}

/// The controllers among the super block options of a v1 mount: "rw,cpu,cpuacct" gives cpu and cpuacct.
std::vector<std::string> v1_controllers(const std::string& super_options) {
    auto options = split(super_options, ',');
    std::erase_if(options, [](const std::string& option) {
        return option == "rw" || option == "ro" || option == "xattr" || option == "clone_children" ||
               option.starts_with("release_agent=");
    });
    return options;
}

/// A line of mountinfo: "36 35 98:0 /root /mount/point opts… - type source superopts".
void add_mount(std::string_view line, std::vector<CgroupHierarchy>& found) {
    const auto separator = line.find(" - ");
    if (separator == std::string_view::npos)
        return;
    const auto fields = split(line.substr(0, separator), ' ');
    const auto tail = split(line.substr(separator + 3), ' ');
    if (fields.size() < 5 || tail.size() < 3)
        return;
    if (tail[0] == "cgroup2")
        found.push_back({fields[4], {}, true, "/"});
    if (tail[0] == "cgroup")
        found.push_back({fields[4], v1_controllers(tail[2]), false, "/"});
}

/// A line of /proc/self/cgroup: "4:memory:/path", "0::/path" for v2.
void set_own_path(std::string_view line, std::vector<CgroupHierarchy>& hierarchies) {
    const auto first = line.find(':');
    const auto second = line.find(':', first + 1);
    if (first == std::string_view::npos || second == std::string_view::npos)
        return;
    const auto controllers = line.substr(first + 1, second - first - 1);
    const std::string path(line.substr(second + 1));
    for (auto& hierarchy : hierarchies) {
        const bool same = hierarchy.unified
                              ? controllers.empty()
                              : !controllers.empty() && split(controllers, ',') == hierarchy.controllers;
        if (same)
            hierarchy.own_path = path;
    }
}

}  // namespace

std::vector<CgroupHierarchy> parse_hierarchies(std::string_view mountinfo, std::string_view own_cgroups) {
    std::vector<CgroupHierarchy> found;
    for (const auto& line : split(mountinfo, '\n'))
        add_mount(line, found);
    for (const auto& line : split(own_cgroups, '\n'))
        set_own_path(line, found);
    const auto is_pure_v2 = [](const CgroupHierarchy& h) {
        return h.unified && h.mount_point == "/sys/fs/cgroup";
    };
    const auto pure = std::ranges::find_if(found, is_pure_v2);
    if (pure != found.end())
        return {*pure};
    // In the hybrid layout the controllers are with v1; systemd follows processes in the v2 hierarchy.
    std::stable_partition(found.begin(), found.end(), [](const CgroupHierarchy& h) { return !h.unified; });
    return found;
}

Result<std::vector<CgroupHierarchy>> host_hierarchies() {
    NACRE_ASSIGN(const auto mountinfo, read_file("/proc/self/mountinfo", proc_file_limit));
    NACRE_ASSIGN(const auto own_cgroups, read_file("/proc/self/cgroup", proc_file_limit));
    auto hierarchies = parse_hierarchies(mountinfo, own_cgroups);
    if (hierarchies.empty())
        return fail("no cgroup hierarchy is mounted; mount one: mount -t cgroup2 none /sys/fs/cgroup");
    return hierarchies;
}

}  // namespace nacre::runtime
