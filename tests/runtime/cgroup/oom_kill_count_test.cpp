#include "runtime/cgroup/oom_kill_count.h"

#include <doctest/doctest.h>
#include <stdlib.h>

#include <filesystem>
#include <fstream>

using namespace nacre::runtime;

namespace {

/// A directory that looks like a cgroup's.
struct Directory {
    Directory() {
        char name[] = "/tmp/nacre-oom-XXXXXX";
        REQUIRE(::mkdtemp(name) != nullptr);
        path = name;
        place.directories = {path + "/absent", path};
    }
    ~Directory() { std::filesystem::remove_all(path); }

    void write(const char* file, const char* text) const { std::ofstream(path + "/" + file) << text; }

    std::string path;
    CgroupPlace place;
};

}  // namespace

TEST_CASE("OOM kills are counted on v2 and on v1") {
    const Directory directory;
    CHECK(oom_kills_in(directory.place) == 0);
    directory.write("memory.oom_control", "oom_kill_disable 0\nunder_oom 0\noom_kill 2\n");
    CHECK(oom_kills_in(directory.place) == 2);
    directory.write("memory.events", "low 0\nhigh 0\nmax 9\noom 5\noom_kill 3\noom_group_kill 7\n");
    CHECK(oom_kills_in(directory.place) == 3);
    directory.write("memory.events", "oom_group_kill 7\n");
    CHECK(oom_kills_in(directory.place) == 0);
}

TEST_CASE("those of before, and those of the guest, are none of the host's") {
    const Directory directory;
    directory.write("memory.events", "oom_kill 3\n");
    HostOomKills kills(directory.place);
    CHECK_FALSE(kills.any());
    directory.write("memory.events", "oom_kill 4\n");
    kills.forget();
    CHECK_FALSE(kills.any());
    directory.write("memory.events", "oom_kill 5\n");
    CHECK(kills.any());
}
