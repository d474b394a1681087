#include "guest-agent/container/credentials.h"

#include <grp.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <charconv>

#include "guest-agent/container/capabilities.h"

namespace nacre::agent {

namespace {

constexpr mode_t default_umask = 0022;

Result<void> change_user(const oci::User& user) {
    if (::setgroups(user.additional_gids.size(), user.additional_gids.data()) < 0)
        return fail_errno("set additional groups");
    if (::setresgid(user.gid, user.gid, user.gid) < 0)
        return fail_errno("set group {}", user.gid);
    if (::setresuid(user.uid, user.uid, user.uid) < 0)
        return fail_errno("set user {}", user.uid);
    return {};
}

/// The next field of a line of passwd(5), taken off its front.
std::string_view take_field(std::string_view& line) {
    const auto end = std::min(line.find(':'), line.size());
    const auto field = line.substr(0, end);
    line.remove_prefix(std::min(end + 1, line.size()));
    return field;
}

}  // namespace

Result<void> become_user(const oci::Process& process) {
    // A configuration without capabilities has none, as with runc.
    const auto sets = capability_sets(process.capabilities.value_or(oci::Capabilities{}));
    NACRE_TRY(limit_bounding_set(sets));
    if (::prctl(PR_SET_KEEPCAPS, 1, 0, 0, 0) < 0)
        return fail_errno("keep capabilities");
    NACRE_TRY(change_user(process.user));
    ::umask(process.user.umask.value_or(default_umask));
    NACRE_TRY(set_capabilities(sets));
    if (::prctl(PR_SET_KEEPCAPS, 0, 0, 0, 0) < 0)
        return fail_errno("keep capabilities no longer");
    return {};
}

std::optional<std::string> home_directory(std::string_view passwd, std::uint32_t uid) {
    while (!passwd.empty()) {
        const auto end = std::min(passwd.find('\n'), passwd.size());
        auto line = passwd.substr(0, end);
        passwd.remove_prefix(std::min(end + 1, passwd.size()));
        std::array<std::string_view, 6> fields;  // name:password:uid:gid:comment:home
        for (auto& field : fields)
            field = take_field(line);
        std::uint32_t number = 0;
        const auto [rest, error] =
            std::from_chars(fields[2].data(), fields[2].data() + fields[2].size(), number);
        if (error == std::errc() && rest == fields[2].data() + fields[2].size() && number == uid)
            return std::string(fields[5]);
    }
    return std::nullopt;
}

}  // namespace nacre::agent
