#include "runtime/cgroup/cgroup_tree.h"

#include <doctest/doctest.h>

#include <filesystem>
#include <fstream>

#include "tests/runtime/temporary_directory.h"

using namespace nacre;
using namespace nacre::runtime;

TEST_CASE("a cgroup that holds somebody else's processes, even below it, is refused and left alone") {
    const TemporaryDirectory directory;
    std::filesystem::create_directories(directory.path() + "/a/b");
    std::ofstream(directory.path() + "/a/b/cgroup.procs") << "1\n2\n";
    const CgroupTree cgroup(std::vector<std::string>{directory.path() + "/a"});
    CHECK(cgroup.processes() == std::vector<pid_t>{1, 2});
    CHECK(cgroup.check_unused().error().message.find("is not empty: 2 process(es) found") !=
          std::string::npos);
}

TEST_CASE("a process of an outer pid namespace has no pid to be signalled by, and is waited for") {
    const TemporaryDirectory directory;
    std::ofstream(directory.path() + "/cgroup.procs") << "0\n";
    std::ofstream(directory.path() + "/cgroup.events") << "populated 1\n";
    const CgroupTree cgroup(std::vector<std::string>{directory.path()});
    CHECK(cgroup.processes().empty());
    CHECK_FALSE(cgroup.check_unused());
    // kill(0, SIGKILL) would be the end of the caller's process group, this test among it.
    CHECK(cgroup.kill_all(0).error().message.find("processes in it do not end") != std::string::npos);
}

TEST_CASE("a frozen cgroup is refused: nothing that joins it would run") {
    for (const auto& [file, content] :
         {std::pair("cgroup.freeze", "1\n"), std::pair("freezer.state", "FROZEN\n")}) {
        const TemporaryDirectory directory;
        std::ofstream(directory.path() + "/" + file) << content;
        const CgroupTree cgroup(std::vector<std::string>{directory.path()});
        CHECK(cgroup.check_unused().error().message.find("unexpectedly frozen") != std::string::npos);
    }
}

TEST_CASE("the root of a hierarchy is never removed, whatever a state file says") {
    for (const auto* file : {"release_agent", "cgroup.controllers"}) {
        const TemporaryDirectory directory;
        std::ofstream(directory.path() + "/" + file) << "";
        const CgroupTree cgroup(std::vector<std::string>{directory.path()});
        CHECK(cgroup.remove(0).error().message.find("is the root of its hierarchy") != std::string::npos);
        CHECK(std::filesystem::exists(directory.path()));
    }
}

TEST_CASE("a cgroup is made with its parents, and removed with what is below it") {
    const TemporaryDirectory directory;
    const CgroupTree cgroup(std::vector<std::string>{directory.path() + "/a/b"});
    CHECK(cgroup.make());
    CHECK(cgroup.make());
    std::filesystem::create_directories(directory.path() + "/a/b/c/d");
    CHECK(cgroup.remove(0));
    CHECK_FALSE(std::filesystem::exists(directory.path() + "/a/b"));
    CHECK(std::filesystem::exists(directory.path() + "/a"));
}

TEST_CASE("a v2 cgroup gives controllers to those below it only if it has no processes, or is the root") {
    const auto enabled = [](const char* processes, bool root) {
        const TemporaryDirectory directory;
        std::ofstream(directory.path() + "/cgroup.controllers") << "cpu memory\n";
        std::ofstream(directory.path() + "/cgroup.subtree_control") << "";
        std::ofstream(directory.path() + "/cgroup.procs") << processes;
        if (!root)
            std::ofstream(directory.path() + "/cgroup.events") << "populated 1\n";
        enable_controllers(directory.path());
        std::string last;
        std::ifstream(directory.path() + "/cgroup.subtree_control") >> last;
        return last;
    };
    CHECK(enabled("", false) == "+memory");
    // A process of an outer pid namespace.
    CHECK(enabled("0\n", false).empty());
    CHECK(enabled("7\n", false).empty());
    CHECK(enabled("7\n", true) == "+memory");
}

TEST_CASE("a v1 cpuset between that has no CPUs yet gets its parent's, whoever made it") {
    const TemporaryDirectory directory;
    std::filesystem::create_directories(directory.path() + "/between");
    std::ofstream(directory.path() + "/cpuset.cpus") << "0-1\n";
    std::ofstream(directory.path() + "/between/cpuset.cpus") << "\n";
    REQUIRE(CgroupTree(std::vector<std::string>{directory.path() + "/between/box"}).make());
    std::string cpus;
    std::ifstream(directory.path() + "/between/cpuset.cpus") >> cpus;
    CHECK(cpus == "0-1");
}

TEST_CASE("what is frozen below a v1 cgroup is thawed") {
    const TemporaryDirectory directory;
    std::filesystem::create_directories(directory.path() + "/below");
    std::ofstream(directory.path() + "/below/freezer.state") << "FROZEN\n";
    CgroupTree(std::vector<std::string>{directory.path()}).thaw();
    std::string state;
    std::ifstream(directory.path() + "/below/freezer.state") >> state;
    CHECK(state == "THAWED");
}

TEST_CASE("a cgroup that is gone has no processes and is removed already") {
    const CgroupTree cgroup(std::vector<std::string>{"/sys/fs/cgroup/no-such-cgroup-of-nacre"});
    CHECK(cgroup.processes().empty());
    CHECK(cgroup.remove(0).has_value());
}

TEST_CASE(
    "a setting is written where its file is, and one without a file names the controller that is missing") {
    const TemporaryDirectory directory;
    std::filesystem::create_directories(directory.path() + "/memory/a");
    std::filesystem::create_directories(directory.path() + "/cpu/a");
    std::ofstream(directory.path() + "/cpu/a/cpu.shares") << "";
    const CgroupTree cgroup(
        std::vector<std::string>{directory.path() + "/memory/a", directory.path() + "/cpu/a"});
    CHECK(cgroup.apply({{"cpu", "cpu.shares", "7"}}));
    std::string written;
    std::ifstream(directory.path() + "/cpu/a/cpu.shares") >> written;
    CHECK(written == "7");
    CHECK(cgroup.apply({{"pids", "pids.max", "7"}}).error().message ==
          "set pids.max of cgroup " + directory.path() +
              "/memory/a: the pids controller is not available there");
}

TEST_CASE("a child can begin in a cgroup of v2 that is all there is, not in several or one of v1") {
    const TemporaryDirectory directory;
    const CgroupTree v1(std::vector<std::string>{directory.path()});
    CHECK(v1.clone_target().empty());
    std::ofstream(directory.path() + "/cgroup.controllers") << "cpu memory\n";
    const CgroupTree v2(std::vector<std::string>{directory.path()});
    CHECK(v2.clone_target() == directory.path());
    const CgroupTree hybrid(std::vector<std::string>{directory.path(), directory.path()});
    CHECK(hybrid.clone_target().empty());
}
