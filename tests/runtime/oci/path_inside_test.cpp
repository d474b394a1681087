#include "runtime/oci/path_inside.h"

#include <doctest/doctest.h>

using nacre::oci::path_inside;

TEST_CASE("a path inside a root has the name that it has there") {
    CHECK(path_inside("/b/rootfs", "/b/rootfs/mnt/x") == "/mnt/x");
    CHECK(path_inside("/b/rootfs/", "/b//rootfs/./mnt/y/../x/") == "/mnt/x");
    CHECK(path_inside("/b/rootfs", "/b/rootfs") == "/");
}

TEST_CASE("a path that leaves the root, or only begins like it, is not inside") {
    CHECK_FALSE(path_inside("/b/rootfs", "/b/rootfs2/x"));
    CHECK_FALSE(path_inside("/b/rootfs", "/b/rootfs/../x"));
    CHECK_FALSE(path_inside("/b/rootfs", "/mnt"));
    CHECK_FALSE(path_inside("/b/rootfs", ""));
    CHECK_FALSE(path_inside("/", "/mnt"));
    CHECK_FALSE(path_inside("", "/mnt"));
    CHECK_FALSE(path_inside("rootfs", "rootfs/mnt"));
}
