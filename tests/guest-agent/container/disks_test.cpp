#include "guest-agent/container/disks.h"

#include <doctest/doctest.h>

using namespace nacre;
using namespace nacre::agent;

TEST_CASE("a disk's name is a name in /dev and nothing else") {
    std::vector<oci::Device> devices(1);
    for (const char* name : {"", "..", "../etc/passwd", "vd/a", "/dev/vda", "vd a", "VDA"}) {
        const auto renumbered = renumber_devices(devices, {{0, name}});
        REQUIRE_FALSE(renumbered);
        CHECK(renumbered.error().code == EINVAL);
    }
}

TEST_CASE("what is no block device stands for none") {
    std::vector<oci::Device> devices(1);
    CHECK(renumber_devices(devices, {{0, "null"}}).error().code == ENOTBLK);
    CHECK(renumber_devices(devices, {{0, "thereisnosuchdisk"}}).error().code == ENOENT);
}

TEST_CASE("the error of a mount names it") {
    oci::Spec spec;
    spec.mounts.resize(1);
    spec.mounts[0].type = "ext4";
    spec.mounts[0].destination = "/data";
    ShareMounts mounts;
    const auto mounted = mount_disks({"", {{0, "thereisnosuchdisk"}}, {}}, spec, mounts);
    REQUIRE_FALSE(mounted);
    CHECK(mounted.error().message.starts_with("mount ext4 on /data: "));
    CHECK(mounts.sources.empty());
}
