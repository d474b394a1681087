#include "guest-agent/container/rlimits.h"

#include <sys/resource.h>

#include <algorithm>
#include <array>
#include <utility>

namespace nacre::agent {

namespace {

constexpr std::array<std::pair<std::string_view, int>, 16> names{{
    {"RLIMIT_AS", RLIMIT_AS},
    {"RLIMIT_CORE", RLIMIT_CORE},
    {"RLIMIT_CPU", RLIMIT_CPU},
    {"RLIMIT_DATA", RLIMIT_DATA},
    {"RLIMIT_FSIZE", RLIMIT_FSIZE},
    {"RLIMIT_LOCKS", RLIMIT_LOCKS},
    {"RLIMIT_MEMLOCK", RLIMIT_MEMLOCK},
    {"RLIMIT_MSGQUEUE", RLIMIT_MSGQUEUE},
    {"RLIMIT_NICE", RLIMIT_NICE},
    {"RLIMIT_NOFILE", RLIMIT_NOFILE},
    {"RLIMIT_NPROC", RLIMIT_NPROC},
    {"RLIMIT_RSS", RLIMIT_RSS},
    {"RLIMIT_RTPRIO", RLIMIT_RTPRIO},
    {"RLIMIT_RTTIME", RLIMIT_RTTIME},
    {"RLIMIT_SIGPENDING", RLIMIT_SIGPENDING},
    {"RLIMIT_STACK", RLIMIT_STACK},
}};

/// What services get from systemd, and so what most programs were tried with.
constexpr rlim_t default_open_files = 1024;
constexpr rlim_t most_open_files = 524'288;

Result<void> set_limit(int resource, rlim_t soft, rlim_t hard, std::string_view name) {
    const rlimit limit{soft, hard};
    if (::setrlimit(static_cast<__rlimit_resource_t>(resource), &limit) < 0)
        return fail_errno("set {} to {} (hard {})", name, soft, hard);
    return {};
}

}  // namespace

std::optional<int> rlimit_number(std::string_view name) {
    for (const auto& [text, number] : names) {
        if (text == name)
            return number;
    }
    return std::nullopt;
}

Result<void> set_rlimits(const std::vector<oci::Rlimit>& rlimits) {
    const bool names_open_files =
        std::ranges::any_of(rlimits, [](const auto& entry) { return entry.type == "RLIMIT_NOFILE"; });
    if (!names_open_files)
        NACRE_TRY(set_limit(RLIMIT_NOFILE, default_open_files, most_open_files, "RLIMIT_NOFILE"));
    for (const auto& entry : rlimits) {
        const auto number = rlimit_number(entry.type);
        if (!number)
            return fail_with(EINVAL, "rlimit {}", entry.type);
        NACRE_TRY(set_limit(*number, entry.soft, entry.hard, entry.type));
    }
    return {};
}

Result<void> allow_rlimits(pid_t pid, const std::vector<oci::Rlimit>& rlimits) {
    for (const auto& entry : rlimits) {
        const auto number = rlimit_number(entry.type);
        if (!number)
            return fail_with(EINVAL, "rlimit {}", entry.type);
        const auto resource = static_cast<__rlimit_resource>(*number);
        rlimit limit{};
        if (::prlimit(pid, resource, nullptr, &limit) < 0)
            return fail_errno("read {}", entry.type);
        if (limit.rlim_max >= entry.hard)
            continue;
        limit.rlim_max = entry.hard;
        if (::prlimit(pid, resource, &limit, nullptr) < 0)
            return fail_errno("set {} to (hard {})", entry.type, entry.hard);
    }
    return {};
}

Result<void> raise_open_files_limit() {
    return set_limit(RLIMIT_NOFILE, most_open_files, most_open_files, "RLIMIT_NOFILE");
}

}  // namespace nacre::agent
