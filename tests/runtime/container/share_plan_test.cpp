#include "runtime/container/share_plan.h"

#include <doctest/doctest.h>

using namespace nacre;
using namespace nacre::runtime;

namespace {

oci::Mount mount_of(std::string type, std::vector<std::string> options) {
    oci::Mount mount;
    mount.type = std::move(type);
    mount.options = std::move(options);
    return mount;
}

}  // namespace

TEST_CASE("a bind mount is known by its type or by its options") {
    CHECK(is_bind_mount(mount_of("bind", {})));
    CHECK(is_bind_mount(mount_of("none", {"rbind", "ro"})));
    CHECK(is_bind_mount(mount_of("", {"bind"})));
    CHECK_FALSE(is_bind_mount(mount_of("tmpfs", {"nosuid"})));
    CHECK_FALSE(is_bind_mount(mount_of("proc", {})));
}

TEST_CASE("a read-only bind mount is read-only in the share, whatever the guest does") {
    CHECK(tree_options(mount_of("bind", {"rbind", "ro"})).read_only);
    CHECK(tree_options(mount_of("bind", {"rbind", "rro"})).read_only);
    CHECK_FALSE(tree_options(mount_of("bind", {"rbind", "rw"})).read_only);
    CHECK(tree_options(mount_of("bind", {"rbind", "rro"})).read_only_below);
    CHECK_FALSE(tree_options(mount_of("bind", {"rbind", "ro"})).read_only_below);
}

TEST_CASE("bind takes one mount, rbind its sub-mounts too") {
    CHECK_FALSE(tree_options(mount_of("bind", {"bind"})).recursive);
    CHECK(tree_options(mount_of("bind", {"rbind"})).recursive);
    CHECK(tree_options(mount_of("bind", {"bind", "rbind"})).recursive);
}

TEST_CASE("later host mounts follow only where the propagation says so") {
    CHECK(tree_options(mount_of("bind", {"rbind", "rslave"})).follow);
    CHECK(tree_options(mount_of("bind", {"rbind", "rshared"})).follow);
    CHECK_FALSE(tree_options(mount_of("bind", {"rbind", "rprivate"})).follow);
}

TEST_CASE("relative paths of the configuration are the bundle's") {
    CHECK(path_in_bundle("/bundle", "rootfs") == "/bundle/rootfs");
    CHECK(path_in_bundle("/bundle", "/srv/root") == "/srv/root");
}

TEST_CASE("a missing rootfs is refused with its place in the configuration") {
    oci::Spec spec;
    spec.root = oci::Root{"no-such-directory", false};
    const auto plan = plan_share("c1", "/nonexistent", spec);
    REQUIRE_FALSE(plan.has_value());
    CHECK(plan.error().message.starts_with("config.json: /root/path: open /nonexistent/no-such-directory: "));
}
