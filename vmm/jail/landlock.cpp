#include "vmm/jail/landlock.h"

#include <linux/landlock.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>

#include "vmm/base/file_descriptor.h"

namespace nacre::jail {

namespace {

/// The rights over files that each version of the interface knows, all bits from 0 up (landlock.rst,
/// "Previous limitations").
constexpr std::array<std::uint64_t, 5> rights_by_version{(1U << 13) - 1, (1U << 14) - 1, (1U << 15) - 1,
                                                         (1U << 15) - 1, (1U << 16) - 1};

long create_ruleset(const landlock_ruleset_attr* attributes, std::size_t size, std::uint32_t flags) {
    return ::syscall(SYS_landlock_create_ruleset, attributes, size, flags);
}

}  // namespace

Result<void> forbid_paths() {
    const auto version = create_ruleset(nullptr, 0, LANDLOCK_CREATE_RULESET_VERSION);
    if (version < 1) {
        if (errno == ENOSYS || errno == EOPNOTSUPP)
            return {};
        return fail_errno("asking for Landlock");
    }
    landlock_ruleset_attr attributes{};
    const auto known = std::min<std::size_t>(static_cast<std::size_t>(version), rights_by_version.size());
    attributes.handled_access_fs = rights_by_version[known - 1];
    const FileDescriptor ruleset(
        static_cast<int>(create_ruleset(&attributes, sizeof attributes.handled_access_fs, 0)));
    if (!ruleset || ::syscall(SYS_landlock_restrict_self, ruleset.get(), 0) != 0)
        return fail_errno("restricting a thread with Landlock");
    return {};
}

}  // namespace nacre::jail
