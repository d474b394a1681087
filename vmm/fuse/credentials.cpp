#include "vmm/fuse/credentials.h"

#include <linux/capability.h>
#include <linux/securebits.h>
#include <sched.h>
#include <sys/fsuid.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "vmm/fuse/protocol.h"

namespace nacre::fuse {

namespace {

/// capget(2) and capset(2) take each set of 64 capabilities as two words.
struct CapabilityWords {
    __user_cap_header_struct header{_LINUX_CAPABILITY_VERSION_3, 0};
    __user_cap_data_struct words[_LINUX_CAPABILITY_U32S_3]{};
};

std::uint64_t join(std::uint32_t low, std::uint32_t high) {
    return low | std::uint64_t{high} << 32;
}

}  // namespace

Result<ThreadCredentials> ThreadCredentials::take_over_thread(int working_directory) {
    if (unshare(CLONE_FS) < 0)
        return fail_errno("cannot give a file server thread its own umask");
    if (fchdir(working_directory) < 0)
        return fail_errno("cannot enter /proc/self/fd");

    ThreadCredentials credentials;
    const int secure_bits = prctl(PR_GET_SECUREBITS);
    credentials.keeps_capabilities_ = secure_bits >= 0 && (secure_bits & SECBIT_NO_SETUID_FIXUP) != 0;
    credentials.own_user_ = credentials.user_ = geteuid();
    credentials.own_group_ = credentials.group_ = getegid();
    setfsuid(credentials.own_user_);  // a thread inherits what its creator was acting as
    setfsgid(credentials.own_group_);
    umask(0);
    CapabilityWords sets;
    if (syscall(SYS_capget, &sets.header, sets.words) == 0) {
        credentials.capabilities_ = join(sets.words[0].permitted, sets.words[1].permitted);
        credentials.inheritable_ = join(sets.words[0].inheritable, sets.words[1].inheritable);
    }
    credentials.set_effective_capabilities();
    return credentials;
}

void ThreadCredentials::set_effective_capabilities() const {
    const std::uint64_t withheld = clears_setid_bits_ ? std::uint64_t{1} << CAP_FSETID : 0;
    const std::uint64_t effective = capabilities_ & ~withheld;
    CapabilityWords sets;
    for (int word = 0; word < _LINUX_CAPABILITY_U32S_3; ++word) {
        sets.words[word].permitted = static_cast<std::uint32_t>(capabilities_ >> (32 * word));
        sets.words[word].effective = static_cast<std::uint32_t>(effective >> (32 * word));
        sets.words[word].inheritable = static_cast<std::uint32_t>(inheritable_ >> (32 * word));
    }
    syscall(SYS_capset, &sets.header, sets.words);  // drops or takes back what is permitted: cannot fail
}

void ThreadCredentials::act_as(std::uint32_t user, std::uint32_t group) {
    const uid_t wanted_user = user == no_id ? own_user_ : user;
    const gid_t wanted_group = group == no_id ? own_group_ : group;
    if (wanted_group != group_)
        setfsgid(group_ = wanted_group);
    if (wanted_user == user_)
        return;
    setfsuid(user_ = wanted_user);
    if (!keeps_capabilities_ && capabilities_ != 0)
        set_effective_capabilities();  // leaving user 0 has dropped those over files
}

void ThreadCredentials::set_umask(std::uint32_t mask) {
    if ((mask & 0777) != umask_)
        umask(umask_ = mask & 0777);
}

void ThreadCredentials::clear_setid_bits(bool clear) {
    if (clear == clears_setid_bits_ || capabilities_ == 0)
        return;
    clears_setid_bits_ = clear;
    set_effective_capabilities();
}

}  // namespace nacre::fuse
