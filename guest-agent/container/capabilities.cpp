#include "guest-agent/container/capabilities.h"

#include <cap-ng.h>
#include <linux/capability.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

namespace nacre::agent {

namespace {

std::uint64_t set_of(const std::vector<std::string>& names) {
    std::uint64_t set = 0;
    for (const auto& name : names) {
        if (const auto number = capability_number(name))
            set |= std::uint64_t{1} << *number;
    }
    return set;
}

bool contains(std::uint64_t set, unsigned capability) {
    return (set >> capability & 1) != 0;
}

/// The kernel answers EINVAL for the first capability that it does not have.
bool kernel_has(unsigned capability) {
    return ::prctl(PR_CAPBSET_READ, capability, 0, 0, 0) >= 0;
}

Result<void> set_ambient(std::uint64_t ambient) {
    if (::prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0) < 0)
        return fail_errno("clear ambient capabilities");
    for (unsigned capability = 0; capability < 64 && kernel_has(capability); ++capability) {
        // One that is not permitted and inheritable cannot be ambient; runc ignores the refusal as well.
        if (contains(ambient, capability))
            ::prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_RAISE, capability, 0, 0);
    }
    return {};
}

}  // namespace

std::optional<unsigned> capability_number(const std::string& name) {
    constexpr std::string_view prefix = "CAP_";
    if (name.size() <= prefix.size() || name.compare(0, prefix.size(), prefix) != 0)
        return std::nullopt;
    const int number = ::capng_name_to_capability(name.c_str() + prefix.size());
    return number < 0 ? std::nullopt : std::optional(static_cast<unsigned>(number));
}

CapabilitySets capability_sets(const oci::Capabilities& capabilities) {
    return {set_of(capabilities.bounding), set_of(capabilities.effective), set_of(capabilities.inheritable),
            set_of(capabilities.permitted), set_of(capabilities.ambient)};
}

Result<void> limit_bounding_set(const CapabilitySets& sets) {
    for (unsigned capability = 0; capability < 64 && kernel_has(capability); ++capability) {
        if (!contains(sets.bounding, capability) && ::prctl(PR_CAPBSET_DROP, capability, 0, 0, 0) < 0)
            return fail_errno("drop capability {} from the bounding set", capability);
    }
    return {};
}

Result<void> set_capabilities(const CapabilitySets& sets) {
    std::uint64_t known = 0;
    for (unsigned capability = 0; capability < 64 && kernel_has(capability); ++capability)
        known |= std::uint64_t{1} << capability;
    __user_cap_header_struct header{_LINUX_CAPABILITY_VERSION_3, 0};
    __user_cap_data_struct data[_LINUX_CAPABILITY_U32S_3];
    for (unsigned half = 0; half < _LINUX_CAPABILITY_U32S_3; ++half) {
        const auto word = [&](std::uint64_t set) {
            return static_cast<std::uint32_t>((set & known) >> (32 * half));
        };
        data[half] = {word(sets.effective), word(sets.permitted), word(sets.inheritable)};
    }
    if (::syscall(SYS_capset, &header, data) < 0)
        return fail_errno("set capabilities");
    return set_ambient(sets.ambient);
}

}  // namespace nacre::agent
