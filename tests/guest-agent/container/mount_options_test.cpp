#include "guest-agent/container/mount_options.h"

#include <doctest/doctest.h>

using namespace nacre::agent;

TEST_CASE("unknown and odd options go to the file system, which refuses them") {
    const auto options = parse_mount_options({"", "nonsense", "=", "a=b=c", "rnonsense", "r"});
    CHECK(options.flags == std::vector<std::string>{"nonsense", "rnonsense", "r"});
    REQUIRE(options.values.size() == 2);
    CHECK(options.values[0] == std::pair<std::string, std::string>("", ""));
    CHECK(options.values[1] == std::pair<std::string, std::string>("a", "b=c"));
    CHECK(options.set == 0);
}

TEST_CASE("attributes: the later option wins") {
    CHECK(parse_mount_options({"ro", "nosuid", "nodev", "noexec"}).set ==
          (MOUNT_ATTR_RDONLY | MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV | MOUNT_ATTR_NOEXEC));
    CHECK(parse_mount_options({"ro", "rw"}).set == 0);
    CHECK(parse_mount_options({"rw", "ro"}).set == MOUNT_ATTR_RDONLY);
    CHECK(parse_mount_options({"noexec", "exec", "nosuid", "suid", "nodev", "dev"}).set == 0);
    CHECK(parse_mount_options({"nosymfollow", "nodiratime"}).set ==
          (MOUNT_ATTR_NOSYMFOLLOW | MOUNT_ATTR_NODIRATIME));
}

TEST_CASE("the access time modes exclude each other") {
    CHECK(parse_mount_options({"noatime", "strictatime"}).set == MOUNT_ATTR_STRICTATIME);
    CHECK(parse_mount_options({"strictatime", "noatime"}).set == MOUNT_ATTR_NOATIME);
    CHECK(parse_mount_options({"noatime", "relatime"}).set == 0);
    CHECK(parse_mount_options({"noatime", "atime"}).set == 0);
}

TEST_CASE("recursive attributes are kept apart from those of the mount itself") {
    const auto options = parse_mount_options({"rro", "rnoexec", "rnoatime"});
    CHECK(options.set == 0);
    CHECK(options.recursive_set == (MOUNT_ATTR_RDONLY | MOUNT_ATTR_NOEXEC | MOUNT_ATTR_NOATIME));
    // mount_setattr(2) sets an access time mode only if the whole field is cleared with it.
    CHECK((options.recursive_clear & MOUNT_ATTR__ATIME) == MOUNT_ATTR__ATIME);
    const auto writable = parse_mount_options({"rro", "rrw"});
    CHECK(writable.recursive_set == 0);
    CHECK(writable.recursive_clear == MOUNT_ATTR_RDONLY);
}

TEST_CASE("propagation, with sub-mounts or without") {
    CHECK(parse_mount_options({"rprivate"}).propagation == MS_PRIVATE);
    CHECK(parse_mount_options({"rprivate"}).recursive_propagation);
    CHECK(parse_mount_options({"slave"}).propagation == MS_SLAVE);
    CHECK_FALSE(parse_mount_options({"slave"}).recursive_propagation);
    CHECK(parse_mount_options({"rshared", "unbindable"}).propagation == MS_UNBINDABLE);
    CHECK(propagation_flags("") == 0);
    CHECK(propagation_flags("rrprivate") == 0);
}

TEST_CASE("bind, rbind, tmpcopyup, idmap are ours") {
    const auto options = parse_mount_options({"bind", "tmpcopyup"});
    CHECK(options.bind);
    CHECK_FALSE(options.recursive_bind);
    CHECK(options.copy_up);
    CHECK(options.flags.empty());
    CHECK(parse_mount_options({"rbind"}).recursive_bind);
    CHECK(parse_mount_options({"idmap", "ridmap"}).flags.empty());
}

TEST_CASE("a usual tmpfs") {
    const auto options = parse_mount_options({"nosuid", "strictatime", "mode=755", "size=65536k"});
    CHECK(options.set == (MOUNT_ATTR_NOSUID | MOUNT_ATTR_STRICTATIME));
    CHECK(options.values ==
          std::vector<std::pair<std::string, std::string>>{{"mode", "755"}, {"size", "65536k"}});
    CHECK(options.flags.empty());
}

TEST_CASE("options that mean nothing to Linux are dropped, those of the super block passed on") {
    const auto options = parse_mount_options({"defaults", "loud", "remount", "sync", "lazytime"});
    CHECK(options.flags == std::vector<std::string>{"sync", "lazytime"});
    CHECK(options.set == 0);
}
