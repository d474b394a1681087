#include "guest-agent/container/executable.h"

#include <doctest/doctest.h>

#include "tests/guest-agent/temporary_directory.h"

using namespace nacre;
using namespace nacre::agent;

namespace {

std::string error_of(const std::string& name, const std::vector<std::string>& environment = {}) {
    const auto found = find_executable(name, environment);
    REQUIRE_FALSE(found);
    return found.error().message;
}

}  // namespace

TEST_CASE("a path that cannot be executed is refused in the words that callers look for") {
    const test::TemporaryDirectory directory;
    directory.write("plain");
    CHECK(error_of("/nosuch") == "exec: \"/nosuch\": stat /nosuch: no such file or directory");
    CHECK(error_of("/etc/passwd/x") == "exec: \"/etc/passwd/x\": stat /etc/passwd/x: not a directory");
    CHECK(error_of("/etc") == "exec: \"/etc\": is a directory");
    CHECK(error_of(directory.path("plain")) ==
          "exec: \"" + directory.path("plain") + "\": permission denied");
}

TEST_CASE("a bare name that PATH does not lead to") {
    const test::TemporaryDirectory directory;
    directory.write("plain");
    directory.make_directory("sub");
    const std::vector<std::string> environment{"PATH=/nosuch:" + directory.path()};
    CHECK(error_of("foo", environment) == "exec: \"foo\": executable file not found in $PATH");
    CHECK(error_of("plain", environment) == "exec: \"plain\": executable file not found in $PATH");
    CHECK(error_of("sub", environment) == "exec: \"sub\": executable file not found in $PATH");
    CHECK(error_of("", environment) == "exec: \"\": executable file not found in $PATH");
    CHECK(error_of("sh", {}) == "exec: \"sh\": executable file not found in $PATH");
    CHECK(error_of("sh", {"PATH="}) == "exec: \"sh\": executable file not found in $PATH");
    CHECK(error_of("sh", {"XPATH=/bin", "PATH"}) == "exec: \"sh\": executable file not found in $PATH");
}

TEST_CASE("the error carries the errno that decides the exit status") {
    CHECK(find_executable("foo", {}).error().code == ENOENT);
    CHECK(find_executable("/etc", {}).error().code == EISDIR);
    CHECK(find_executable("/etc/passwd", {}).error().code == EACCES);
}

TEST_CASE("the first directory of PATH with such an executable counts") {
    const test::TemporaryDirectory directory;
    directory.write("a/tool");
    directory.write("b/tool", "", true);
    directory.write("c/tool", "", true);
    const auto path = "PATH=" + directory.path("a") + ":" + directory.path("b") + ":" + directory.path("c");
    CHECK(find_executable("tool", {"PATH=/nosuch", path}).value() == directory.path("b/tool"));
    CHECK(find_executable(directory.path("c/tool"), {}).value() == directory.path("c/tool"));
}
