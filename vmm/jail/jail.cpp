#include "vmm/jail/jail.h"

#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "vmm/jail/capabilities.h"

namespace nacre::jail {
namespace {

/// pivot_root(2), "pivot_root(".", ".")": stacks the old root on the new one and takes it off.
Result<void> change_root(int root_fd) {
    if (::fchdir(root_fd) != 0)
        return fail_errno("entering the share");
    if (::syscall(SYS_pivot_root, ".", ".") != 0)
        return fail_errno("pivot_root into the share");
    if (::umount2(".", MNT_DETACH) != 0)
        return fail_errno("detaching the old root");
    if (::chdir("/") != 0)
        return fail_errno("chdir to the new root");
    return {};
}

Result<void> set_limits() {
    const rlimit no_core{0, 0};
    if (::setrlimit(RLIMIT_CORE, &no_core) != 0)
        return fail_errno("switching core dumps off");
    rlimit descriptors{};
    if (::getrlimit(RLIMIT_NOFILE, &descriptors) != 0)
        return fail_errno("reading the limit of descriptors");
    descriptors.rlim_cur = descriptors.rlim_max;
    if (::setrlimit(RLIMIT_NOFILE, &descriptors) != 0)
        return fail_errno("raising the limit of descriptors");
    return {};
}

Result<void> forbid_privileges() {
    if (::prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0)
        return fail_errno("setting no_new_privs");
    // Nobody of the same user may read guest memory through /proc/PID/mem or ptrace.
    if (::prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) != 0)
        return fail_errno("setting the process non-dumpable");
    return {};
}

}  // namespace

Result<void> enter(int root_fd) {
    NACRE_TRY(set_limits());
    if (root_fd >= 0)
        NACRE_TRY(change_root(root_fd));
    NACRE_TRY(limit_bounding_set(file_server_capabilities()));
    NACRE_TRY(forbid_privileges());
    return keep_capabilities(file_server_capabilities());
}

Result<void> restrict_thread(ThreadKind kind) {
    return keep_capabilities(kind == ThreadKind::file_server ? file_server_capabilities() : 0);
}

}  // namespace nacre::jail
