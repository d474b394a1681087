#include "runtime/cli/standard_streams.h"

#include <doctest/doctest.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/wait.h>
#include <unistd.h>

using namespace nacre;

namespace {

bool is_null_device(int fd) {
    struct stat status{};
    return ::fstat(fd, &status) == 0 && S_ISCHR(status.st_mode) && status.st_rdev == makedev(1, 3);
}

}  // namespace

TEST_CASE("a standard stream that the caller closed is the null device, and no later file gets its number") {
    const auto child = ::fork();
    if (child == 0) {
        ::close(STDIN_FILENO);
        ::close(STDERR_FILENO);
        const bool opened = cli::open_closed_standard_streams().has_value();
        ::_exit(opened && is_null_device(STDIN_FILENO) && is_null_device(STDERR_FILENO) ? 0 : 1);
    }
    int status = -1;
    REQUIRE(::waitpid(child, &status, 0) == child);
    CHECK(status == 0);
}
