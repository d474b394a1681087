#include "guest-agent/container/user_namespace.h"

#include <fcntl.h>
#include <grp.h>
#include <unistd.h>

#include <string>

#include "vmm/base/file.h"

namespace nacre::agent {

namespace {

/// The kernel takes a map in one write.
Result<void> write_map(pid_t pid, const char* file, const std::vector<oci::IdMapping>& mappings) {
    std::string text;
    for (const auto& mapping : mappings)
        text += fmt::format("{} {} {}\n", mapping.container_id, mapping.host_id, mapping.size);
    NACRE_ASSIGN(const auto map, open_file(fmt::format("/proc/{}/{}", pid, file), O_WRONLY));
    if (::write(map.get(), text.data(), text.size()) < 0)
        return fail_errno("write {}", file);
    return {};
}

}  // namespace

bool has_user_namespace(const oci::Linux& linux_config) {
    const auto* user = linux_config.find_namespace(oci::NamespaceType::user);
    return user != nullptr && user->path.empty();
}

std::optional<std::uint32_t> outer_id(const std::vector<oci::IdMapping>& mappings, std::uint32_t id) {
    if (mappings.empty())
        return id;
    for (const auto& mapping : mappings) {
        if (id >= mapping.container_id && id - mapping.container_id < mapping.size)
            return mapping.host_id + (id - mapping.container_id);
    }
    return std::nullopt;
}

Result<void> write_id_maps(pid_t pid, const oci::Linux& linux_config) {
    NACRE_TRY(write_map(pid, "uid_map", linux_config.uid_mappings));
    return write_map(pid, "gid_map", linux_config.gid_mappings);
}

Result<void> become_namespace_root() {
    if (::setgroups(0, nullptr) < 0)
        return fail_errno("leave groups in user namespace");
    if (::setresgid(0, 0, 0) < 0)
        return fail_errno("set group 0 in user namespace");
    if (::setresuid(0, 0, 0) < 0)
        return fail_errno("set user 0 in user namespace");
    return {};
}

}  // namespace nacre::agent
