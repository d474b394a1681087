#include "vmm/jail/capabilities.h"

#include <linux/capability.h>
#include <linux/securebits.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <array>

namespace nacre::jail {
namespace {

constexpr CapabilitySet bit(int capability) {
    return CapabilitySet{1} << capability;
}

constexpr CapabilitySet kFileServer = bit(CAP_CHOWN) | bit(CAP_DAC_OVERRIDE) | bit(CAP_DAC_READ_SEARCH) |
                                      bit(CAP_FOWNER) | bit(CAP_FSETID) | bit(CAP_SETUID) | bit(CAP_SETGID) |
                                      bit(CAP_MKNOD) | bit(CAP_SETFCAP);

using Data = std::array<__user_cap_data_struct, _LINUX_CAPABILITY_U32S_3>;

__user_cap_header_struct own_thread() {
    return {_LINUX_CAPABILITY_VERSION_3, 0};
}

}  // namespace

CapabilitySet file_server_capabilities() {
    return kFileServer;
}

Result<void> limit_bounding_set(CapabilitySet kept) {
    // PR_CAPBSET_READ fails past the last capability that this kernel knows.
    for (int number = 0; ::prctl(PR_CAPBSET_READ, number, 0, 0, 0) >= 0; ++number)
        if ((kept & bit(number)) == 0 && ::prctl(PR_CAPBSET_DROP, number, 0, 0, 0) != 0 && errno != EPERM)
            return fail_errno("dropping capability {} from the bounding set", number);
    if (::prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0) != 0)
        return fail_errno("clearing the ambient capabilities");
    return {};
}

Result<void> untie_capabilities_from_users() {
    constexpr unsigned long bits = SECBIT_NO_SETUID_FIXUP | SECBIT_NO_SETUID_FIXUP_LOCKED | SECBIT_NOROOT |
                                   SECBIT_NOROOT_LOCKED | SECBIT_NO_CAP_AMBIENT_RAISE |
                                   SECBIT_NO_CAP_AMBIENT_RAISE_LOCKED;
    if (::prctl(PR_SET_SECUREBITS, bits, 0, 0, 0) != 0)
        return fail_errno("setting secure bits");
    return {};
}

Result<void> keep_capabilities(CapabilitySet kept) {
    auto header = own_thread();
    Data data{};
    if (::syscall(SYS_capget, &header, data.data()) != 0)
        return fail_errno("capget");
    for (std::size_t word = 0; word < data.size(); ++word) {
        const auto mask = static_cast<std::uint32_t>(kept >> (32 * word));
        data[word].permitted &= mask;
        data[word].effective = data[word].permitted;
        data[word].inheritable = 0;
    }
    if (::syscall(SYS_capset, &header, data.data()) != 0)
        return fail_errno("capset");
    return {};
}

}  // namespace nacre::jail
