#include "vmm/jail/user.h"

#include <sys/syscall.h>
#include <unistd.h>

namespace nacre::jail {

Result<void> become_unprivileged_user() {
    constexpr auto id = unprivileged_user;
    // libc's functions of these names would change every thread.
    if (::syscall(SYS_setgroups, 0, nullptr) != 0 || ::syscall(SYS_setresgid, id, id, id) != 0 ||
        ::syscall(SYS_setresuid, id, id, id) != 0)
        return fail_errno("becoming user {}", id);
    return {};
}

}  // namespace nacre::jail
