#include "runtime/cgroup/cgroup.h"

#include <doctest/doctest.h>

#include <filesystem>
#include <fstream>

#include "tests/runtime/temporary_directory.h"

using namespace nacre;
using namespace nacre::runtime;

namespace {

const std::vector<CgroupHierarchy> unified{{"/sys/fs/cgroup", {}, true, "/user.slice"}};

std::string located(const std::string& path) {
    const auto cgroup = Cgroup::locate(path, "c1", unified);
    return cgroup ? cgroup->directories().front() : "error: " + cgroup.error().message;
}

}  // namespace

TEST_CASE("a path that climbs is refused") {
    CHECK(located("/a/../../b").starts_with("error: config.json: /linux/cgroupsPath: "));
    CHECK(located("..").starts_with("error: "));
}

TEST_CASE("the root cgroup is refused: deleting the container would kill every process of the host") {
    for (const auto* path : {"/", "//", "/.", "/./"}) {
        CAPTURE(path);
        CHECK(located(path).find("is the root cgroup") != std::string::npos);
    }
}

TEST_CASE("a cgroup that holds somebody else's processes, even below it, is refused and left alone") {
    const TemporaryDirectory directory;
    std::filesystem::create_directories(directory.path() + "/a/b");
    std::ofstream(directory.path() + "/a/b/cgroup.procs") << "1\n2\n";
    const Cgroup cgroup(std::vector<std::string>{directory.path() + "/a"});
    CHECK(cgroup.processes() == std::vector<pid_t>{1, 2});
    CHECK(cgroup.create().error().message.find("is not empty: 2 process(es) found") != std::string::npos);
}

TEST_CASE("a frozen cgroup is refused: nothing that joins it would run") {
    for (const auto& [file, content] :
         {std::pair("cgroup.freeze", "1\n"), std::pair("freezer.state", "FROZEN\n")}) {
        const TemporaryDirectory directory;
        std::ofstream(directory.path() + "/" + file) << content;
        const Cgroup cgroup(std::vector<std::string>{directory.path()});
        CHECK(cgroup.create().error().message.find("unexpectedly frozen") != std::string::npos);
    }
}

TEST_CASE("the root of a hierarchy is never removed, whatever a state file says") {
    for (const auto* file : {"release_agent", "cgroup.controllers"}) {
        const TemporaryDirectory directory;
        std::ofstream(directory.path() + "/" + file) << "";
        const Cgroup cgroup(std::vector<std::string>{directory.path()});
        CHECK(cgroup.remove(0).error().message.find("is the root of its hierarchy") != std::string::npos);
        CHECK(std::filesystem::exists(directory.path()));
    }
}

TEST_CASE("a cgroup is made with its parents, and removed with what is below it") {
    const TemporaryDirectory directory;
    const Cgroup cgroup(std::vector<std::string>{directory.path() + "/a/b"});
    CHECK(cgroup.create().value());
    CHECK_FALSE(cgroup.create().value());
    std::filesystem::create_directories(directory.path() + "/a/b/c/d");
    CHECK(cgroup.remove(0));
    CHECK_FALSE(std::filesystem::exists(directory.path() + "/a/b"));
    CHECK(std::filesystem::exists(directory.path() + "/a"));
}

TEST_CASE("absolute, relative and missing paths") {
    CHECK(located("/a/b") == "/sys/fs/cgroup/a/b");
    CHECK(located("/a/b/") == "/sys/fs/cgroup/a/b");
    CHECK(located("b") == "/sys/fs/cgroup/user.slice/b");
    CHECK(located("") == "/sys/fs/cgroup/c1");
}

TEST_CASE("systemd's form leads where systemd puts the scope") {
    CHECK(located("system.slice:docker:c1") == "/sys/fs/cgroup/system.slice/docker-c1.scope");
    CHECK(located("kubepods-pod1.slice:cri:c1") ==
          "/sys/fs/cgroup/kubepods.slice/kubepods-pod1.slice/cri-c1.scope");
    CHECK(located("-.slice::c1") == "/sys/fs/cgroup/c1.scope");
    CHECK(located(":nacre:c1") == "/sys/fs/cgroup/system.slice/nacre-c1.scope");
}

TEST_CASE("on v1 there is one directory a hierarchy") {
    const std::vector<CgroupHierarchy> v1{{"/sys/fs/cgroup/memory", {"memory"}, false, "/a"},
                                          {"/sys/fs/cgroup/cpu", {"cpu"}, false, "/"}};
    const auto cgroup = Cgroup::locate("x", "c1", v1);
    REQUIRE(cgroup.has_value());
    CHECK(cgroup->directories() ==
          std::vector<std::string>{"/sys/fs/cgroup/memory/a/x", "/sys/fs/cgroup/cpu/x"});
}

TEST_CASE("a cgroup that is gone has no processes and is removed already") {
    const Cgroup cgroup(std::vector<std::string>{"/sys/fs/cgroup/no-such-cgroup-of-nacre"});
    CHECK(cgroup.processes().empty());
    CHECK(cgroup.remove(0).has_value());
}
