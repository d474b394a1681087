#include "runtime/cgroup/fork_into.h"

#include <doctest/doctest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <string>

using namespace nacre::runtime;

namespace {

/// The child says by its exit status whether libc and kernel agree on who it is.
void check_child(const std::string& directory) {
    const pid_t parent = ::getpid();
    const auto forked = fork_into(directory);
    REQUIRE(forked);
    if (forked->pid == 0)
        ::_exit(::getppid() == parent && ::gettid() == ::getpid() ? 7 : 1);
    CHECK(!forked->inside);
    int status = 0;
    REQUIRE(::waitpid(forked->pid, &status, 0) == forked->pid);
    CHECK(WEXITSTATUS(status) == 7);
}

}  // namespace

TEST_CASE("without a cgroup it is a plain fork") {
    check_child("");
}

TEST_CASE("a directory that is no cgroup, or is not there, makes it a plain fork") {
    check_child("/");
    check_child("/no/such/cgroup");
}
