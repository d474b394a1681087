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

TEST_CASE("an overlay of host directories is made on the host, unless it is bound") {
    CHECK(is_overlay(mount_of("overlay", {"lowerdir=/a"})));
    CHECK_FALSE(is_overlay(mount_of("overlay", {"bind"})));
    CHECK_FALSE(is_overlay(mount_of("tmpfs", {})));
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

TEST_CASE("ids are mapped by the mount's own mappings, else by the user namespace's") {
    oci::Linux linux_config;
    linux_config.uid_mappings = linux_config.gid_mappings = {{0, 100000, 10}};
    CHECK_FALSE(mount_ids(mount_of("bind", {"rbind"}), linux_config));
    auto mount = mount_of("bind", {"bind", "idmap"});
    CHECK(mount_ids(mount, linux_config)->users.front().host_id == 100000);
    CHECK_FALSE(mount_ids(mount, linux_config)->below);
    mount.uid_mappings = mount.gid_mappings = {{0, 5, 1}};
    mount.options = {"ridmap"};
    CHECK(mount_ids(mount, linux_config)->groups.front().host_id == 5);
    CHECK(mount_ids(mount, linux_config)->below);
}

TEST_CASE("relative paths of the configuration are the bundle's") {
    CHECK(path_in_bundle("/bundle", "rootfs") == "/bundle/rootfs");
    CHECK(path_in_bundle("/bundle", "/srv/root") == "/srv/root");
}

TEST_CASE("a missing rootfs is refused with its place in the configuration") {
    oci::Spec spec;
    spec.root = oci::Root{"no-such-directory", false};
    const auto plan = plan_share("c1", "/nonexistent", spec, false);
    REQUIRE_FALSE(plan.has_value());
    CHECK(plan.error().message.starts_with("config.json: /root/path: open /nonexistent/no-such-directory: "));
}
