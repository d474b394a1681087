#include "vmm/jail/jail.h"

#include <doctest/doctest.h>
#include <linux/capability.h>
#include <linux/securebits.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <functional>

namespace nacre::jail {
namespace {

/// Whether `body` is true in a process of its own, after limit_process(kept).
bool holds_after_limits(CapabilitySet kept, const std::function<bool()>& body) {
    const pid_t child = ::fork();
    if (child == 0)
        ::syscall(SYS_exit_group, limit_process(kept) && body() ? 0 : 1);
    int status = 0;
    REQUIRE(::waitpid(child, &status, 0) == child);
    return WIFEXITED(status) && WEXITSTATUS(status) == 0;
}

bool is_off(__rlimit_resource resource) {
    rlimit limit{1, 1};
    ::getrlimit(resource, &limit);
    return limit.rlim_cur == 0 && limit.rlim_max == 0;
}

CapabilitySet bounding_set() {
    CapabilitySet set = 0;
    for (int number = 0; ::prctl(PR_CAPBSET_READ, number, 0, 0, 0) >= 0; ++number)
        set |= static_cast<CapabilitySet>(::prctl(PR_CAPBSET_READ, number, 0, 0, 0)) << number;
    return set;
}

TEST_CASE("the process dumps no core, locks no memory, and gains no privilege") {
    CHECK(holds_after_limits(0, [] { return is_off(RLIMIT_CORE) && is_off(RLIMIT_MEMLOCK); }));
    CHECK(holds_after_limits(0, [] { return ::prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0) == 1; }));
    CHECK(holds_after_limits(0, [] { return ::prctl(PR_GET_DUMPABLE) == 0; }));
}

TEST_CASE("no capability can come back but those that are kept") {
    CHECK(holds_after_limits(0, [] { return bounding_set() == 0; }));
    CHECK(holds_after_limits(file_server_capabilities(),
                             [] { return bounding_set() == file_server_capabilities(); }));
}

TEST_CASE("being user 0 means nothing by itself, and neither does ceasing to be it") {
    CHECK(holds_after_limits(0, [] {
        const auto bits = static_cast<unsigned long>(::prctl(PR_GET_SECUREBITS));
        constexpr unsigned long wanted = SECBIT_NOROOT | SECBIT_NOROOT_LOCKED | SECBIT_NO_SETUID_FIXUP;
        return (bits & wanted) == wanted && ::prctl(PR_SET_SECUREBITS, 0, 0, 0, 0) < 0;
    }));
}

TEST_CASE("the event loop keeps no capability, whatever the process may keep") {
    CHECK(holds_after_limits(file_server_capabilities(), [] {
        if (!restrict_thread(ThreadKind::event_loop))
            return false;
        __user_cap_header_struct header{_LINUX_CAPABILITY_VERSION_3, 0};
        __user_cap_data_struct data[_LINUX_CAPABILITY_U32S_3] = {};
        return ::syscall(SYS_capget, &header, data) == 0 && (data[0].permitted | data[1].permitted) == 0;
    }));
}

}  // namespace
}  // namespace nacre::jail
