#include "runtime/cgroup/location.h"

#include <doctest/doctest.h>

using namespace nacre;
using namespace nacre::runtime;

namespace {

const std::vector<CgroupHierarchy> unified{{"/sys/fs/cgroup", {}, true, "/user.slice/session.scope"}};

std::string located(const std::string& path) {
    const auto directories = cgroupfs_directories(path, "c1", unified);
    return directories ? directories->front() : "error: " + directories.error().message;
}

std::string scope_of(const std::string& path) {
    const auto scope = systemd_scope(path, "c1");
    if (!scope)
        return "error: " + scope.error().message;
    const auto directories = scope_directories(*scope, unified);
    return directories ? directories->front() : "error: " + directories.error().message;
}

}  // namespace

TEST_CASE("the root cgroup is refused: deleting the container would kill every process of the host") {
    for (const auto* path : {"/", "//", "/.", "/./", "..", "a/.."}) {
        CAPTURE(path);
        CHECK(located(path).find("is the root cgroup") != std::string::npos);
    }
}

TEST_CASE("no path climbs out of where it begins") {
    CHECK(located("/a/../../b") == "/sys/fs/cgroup/b");
    CHECK(located("../../../b") == "/sys/fs/cgroup/user.slice/b");
    CHECK(located("/a//./b/../c/") == "/sys/fs/cgroup/a/c");
}

TEST_CASE("absolute, relative and missing paths") {
    CHECK(located("/a/b") == "/sys/fs/cgroup/a/b");
    CHECK(located("b") == "/sys/fs/cgroup/user.slice/b");
    CHECK(located("") == "/sys/fs/cgroup/user.slice/c1");
    CHECK(located("system.slice:nacre:c1") == "/sys/fs/cgroup/user.slice/system.slice:nacre:c1");
}

TEST_CASE("a caller in the root cgroup, or outside of what it sees, has relative paths below the root") {
    for (const auto* own : {"/", "/..", "/../../x"}) {
        const auto directories = cgroupfs_directories("b", "c1", {{"/sys/fs/cgroup", {}, true, own}});
        REQUIRE(directories.has_value());
        CHECK(directories->front() == "/sys/fs/cgroup/b");
    }
}

TEST_CASE("on v1 there is one directory a hierarchy, relative to the caller's own") {
    const std::vector<CgroupHierarchy> v1{{"/sys/fs/cgroup/memory", {"memory"}, false, "/a"},
                                          {"/sys/fs/cgroup/cpu", {"cpu"}, false, "/"}};
    CHECK(cgroupfs_directories("x", "c1", v1).value() ==
          std::vector<std::string>{"/sys/fs/cgroup/memory/a/x", "/sys/fs/cgroup/cpu/x"});
}

TEST_CASE("systemd's form is slice:prefix:name, and nothing else") {
    CHECK(scope_of("/a/b").find("expected cgroupsPath to be of format \"slice:prefix:name\"") !=
          std::string::npos);
    CHECK(scope_of("a:b").starts_with("error: "));
    CHECK(scope_of("a:b:c:d").starts_with("error: "));
    CHECK(scope_of("system.slice:docker:").starts_with("error: "));
    CHECK(scope_of("system.slice:../..:c1").starts_with("error: "));
    CHECK(scope_of("system.slice:docker:c1.slice").starts_with("error: "));
    for (const auto* slice : {"system", ".slice", "a--b.slice", "-a.slice", "a-.slice"}) {
        CAPTURE(slice);
        CHECK(scope_of(std::string(slice) + ":docker:c1").find("invalid slice name") != std::string::npos);
    }
}

TEST_CASE("a scope is where systemd puts it") {
    CHECK(scope_of("system.slice:docker:c1") == "/sys/fs/cgroup/system.slice/docker-c1.scope");
    CHECK(scope_of("kubepods-pod1.slice:cri:c1") ==
          "/sys/fs/cgroup/kubepods.slice/kubepods-pod1.slice/cri-c1.scope");
    CHECK(scope_of("-.slice::c1") == "/sys/fs/cgroup/-c1.scope");
    CHECK(scope_of(":nacre:c1") == "/sys/fs/cgroup/system.slice/nacre-c1.scope");
    CHECK(scope_of("") == "/sys/fs/cgroup/system.slice/nacre-c1.scope");
}
