#include "runtime/cgroup/hierarchy.h"

#include <doctest/doctest.h>

using namespace nacre::runtime;

TEST_CASE("lines that are not mounts are passed over") {
    CHECK(parse_hierarchies("", "").empty());
    CHECK(parse_hierarchies("garbage\n1 2 3 - cgroup2\n\n36 35 0:1 / /x rw - ext4 /dev/sda rw\n",
                            "nonsense\n::\n")
              .empty());
}

TEST_CASE("a v2 hierarchy at /sys/fs/cgroup is the only one used") {
    const auto found = parse_hierarchies(
        "30 25 0:26 / /sys/fs/cgroup rw,nosuid shared:9 - cgroup2 cgroup2 rw,nsdelegate\n"
        "31 25 0:27 / /mnt/old rw - cgroup cgroup rw,memory\n",
        "0::/user.slice/session-1.scope\n");
    REQUIRE(found.size() == 1);
    CHECK(found[0].unified);
    CHECK(found[0].mount_point == "/sys/fs/cgroup");
    CHECK(found[0].own_path == "/user.slice/session-1.scope");
}

TEST_CASE("in the hybrid layout the v1 hierarchies come first, each with the caller's path in it") {
    const auto found = parse_hierarchies(
        "30 25 0:30 / /sys/fs/cgroup/unified rw - cgroup2 cgroup2 rw\n"
        "31 25 0:27 / /sys/fs/cgroup/memory rw - cgroup cgroup rw,memory\n"
        "32 25 0:28 / /sys/fs/cgroup/cpu,cpuacct rw - cgroup cgroup rw,cpu,cpuacct\n"
        "33 25 0:29 / /sys/fs/cgroup/systemd rw - cgroup cgroup rw,xattr,name=systemd\n",
        "3:memory:/a\n2:cpu,cpuacct:/b\n1:name=systemd:/c\n0::/d\n");
    REQUIRE(found.size() == 4);
    CHECK(found[0].own_path == "/a");
    CHECK(found[1].own_path == "/b");
    CHECK(found[1].controllers == std::vector<std::string>{"cpu", "cpuacct"});
    CHECK(found[2].own_path == "/c");
    CHECK(found[3].unified);
    CHECK(found[3].own_path == "/d");
}
