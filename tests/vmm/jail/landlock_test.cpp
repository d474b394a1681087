#include "vmm/jail/landlock.h"

#include <doctest/doctest.h>
#include <fcntl.h>
#include <linux/landlock.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>
#include <string>

#include "tests/vmm/jail/on_a_thread.h"
#include "vmm/base/file_descriptor.h"

namespace nacre::jail {
namespace {

bool host_has_landlock() {
    if (::syscall(SYS_landlock_create_ruleset, nullptr, 0, LANDLOCK_CREATE_RULESET_VERSION) > 0)
        return true;
    MESSAGE("skipped: this kernel has no Landlock");
    return false;
}

/// The errno of `call` where no path is of any use.
template <class Call>
int error_of(const Call& call) {
    return fake::on_a_thread([&] {
        ::prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
        if (!forbid_paths())
            return -1;
        return call() < 0 ? errno : 0;
    });
}

TEST_CASE("a thread without paths opens, makes and removes nothing") {
    if (!host_has_landlock())
        return;
    CHECK(error_of([] { return ::open("/etc/passwd", O_RDONLY | O_CLOEXEC); }) == EACCES);
    CHECK(error_of([] { return ::open("/", O_RDONLY | O_DIRECTORY | O_CLOEXEC); }) == EACCES);
    CHECK(error_of([] { return ::open("/tmp/nacre-no-such", O_WRONLY | O_CREAT | O_CLOEXEC, 0600); }) ==
          EACCES);
    CHECK(error_of([] { return ::mkdir("/tmp/nacre-no-such", 0700); }) == EACCES);
    CHECK(error_of([] { return ::mknod("/tmp/nacre-no-such", S_IFIFO | 0600, 0); }) == EACCES);
}

TEST_CASE("what is open stays usable, and other threads have their paths") {
    if (!host_has_landlock())
        return;
    const FileDescriptor file(::open("/tmp", O_TMPFILE | O_RDWR | O_CLOEXEC, 0600));
    REQUIRE(file);
    CHECK(error_of([&] { return ::write(file.get(), "text", 4); }) == 0);
    CHECK(error_of([&] { return ::ftruncate(file.get(), 2); }) == 0);
    CHECK(::access("/etc/passwd", R_OK) == 0);
}

}  // namespace
}  // namespace nacre::jail
