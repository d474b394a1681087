#include "vmm/jail/jail.h"

#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "vmm/jail/landlock.h"
#include "vmm/jail/syscall_filter.h"
#include "vmm/jail/user.h"

namespace nacre::jail {

Result<void> limit_process(CapabilitySet kept) {
    const rlimit none{0, 0};
    if (::setrlimit(RLIMIT_CORE, &none) != 0)
        return fail_errno("switching core dumps off");
    if (::setrlimit(RLIMIT_MEMLOCK, &none) != 0)
        return fail_errno("limiting locked memory");
    NACRE_TRY(untie_capabilities_from_users());
    if (::prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0)
        return fail_errno("setting no_new_privs");
    // Nobody of the same user may read guest memory through /proc/PID/mem or ptrace.
    if (::prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) != 0)
        return fail_errno("setting the process non-dumpable");
    return limit_bounding_set(kept);
}

Result<void> restrict_thread(ThreadKind kind) {
    if (kind == ThreadKind::event_loop) {
        NACRE_TRY(become_unprivileged_user());
        NACRE_TRY(forbid_paths());
    }
    NACRE_TRY(keep_capabilities(kind == ThreadKind::file_server ? file_server_capabilities() : 0));
    return install_syscall_filter(kind);
}

Result<void> change_root(int directory) {
    if (::fchdir(directory) != 0)
        return fail_errno("entering the share");
    // pivot_root(2), "pivot_root(".", ".")": stacks the old root on the new one, to be taken off. Threads
    // with a root directory of their own follow.
    if (::syscall(SYS_pivot_root, ".", ".") != 0)
        return fail_errno("pivot_root into the share");
    if (::umount2(".", MNT_DETACH) != 0)
        return fail_errno("detaching the old root");
    if (::chdir("/") != 0)
        return fail_errno("chdir to the new root");
    return {};
}

}  // namespace nacre::jail
