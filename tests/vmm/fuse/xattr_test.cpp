#include <doctest/doctest.h>
#include <sys/xattr.h>

#include <filesystem>

#include "tests/vmm/fuse/fake_client.h"

using namespace nacre::fuse;
using namespace nacre::fuse::fake;

namespace {

Answer set(FakeClient& client, NodeId node, std::string_view name, std::string_view value,
           std::uint32_t flags = 0) {
    fuse_setxattr_in in{};
    in.size = static_cast<std::uint32_t>(value.size());
    in.flags = flags;
    return client.call(FUSE_SETXATTR, node, bytes_of(in) + name_bytes(name) + std::string(value));
}

Answer get(FakeClient& client, NodeId node, std::string_view name, std::uint32_t size) {
    return client.call(FUSE_GETXATTR, node, bytes_of(fuse_getxattr_in{size, 0}) + name_bytes(name));
}

Answer list(FakeClient& client, NodeId node, std::uint32_t size) {
    return client.call(FUSE_LISTXATTR, node, bytes_of(fuse_getxattr_in{size, 0}));
}

/// Whether the temporary directory's file system has user.* attributes; says so if not.
bool has_user_attributes(const TemporaryShare& share) {
    if (setxattr(share.inside().c_str(), "user.probe", "", 0, 0) == 0)
        return removexattr(share.inside().c_str(), "user.probe") == 0;
    MESSAGE("skipped: no user.* attributes in the temporary directory");
    return false;
}

}  // namespace

TEST_CASE("names outside the known namespaces are not passed on") {
    const TemporaryShare share;
    FakeClient client(share);
    client.initialize();
    for (const auto* name : {"system.nfs4_acl", "system.", "btrfs.compression", "os2.x", "x", "user"}) {
        CHECK(set(client, root_node, name, "v").error == EOPNOTSUPP);
        CHECK(get(client, root_node, name, 10).error == EOPNOTSUPP);
    }
    CHECK(set(client, root_node, "", "v").error == ERANGE);
    CHECK(set(client, root_node, "user." + std::string(300, 'x'), "v").error == ERANGE);
}

TEST_CASE("a value that is announced but not there is refused") {
    const TemporaryShare share;
    FakeClient client(share);
    client.initialize();
    fuse_setxattr_in in{};
    in.size = 100;
    const auto arguments = bytes_of(in) + name_bytes("user.short") + "too short";
    CHECK(client.call(FUSE_SETXATTR, root_node, arguments).error == EINVAL);
}

TEST_CASE("an attribute is set, measured, read, listed and removed") {
    const TemporaryShare share;
    if (!has_user_attributes(share))
        return;
    share.write("file", "");
    FakeClient client(share);
    client.initialize();
    const auto node = client.node(root_node, "file");
    CHECK(set(client, node, "user.colour", "green").error == 0);
    CHECK(get(client, node, "user.colour", 0).as<fuse_getxattr_out>().size == 5);
    CHECK(get(client, node, "user.colour", 5).body == "green");
    CHECK(get(client, node, "user.colour", 100).body == "green");
    CHECK(get(client, node, "user.colour", 4).error == ERANGE);
    CHECK(list(client, node, 0).as<fuse_getxattr_out>().size >= 12);
    CHECK(list(client, node, 1000).body.find("user.colour") != std::string::npos);
    CHECK(list(client, node, 1).error == ERANGE);
    CHECK(set(client, node, "user.colour", "red", XATTR_CREATE).error == EEXIST);
    CHECK(set(client, node, "user.other", "red", XATTR_REPLACE).error == ENODATA);
    CHECK(client.call(FUSE_REMOVEXATTR, node, name_bytes("user.colour")).error == 0);
    CHECK(get(client, node, "user.colour", 10).error == ENODATA);
}

TEST_CASE("a request for attributes of a link does not reach its target") {
    const TemporaryShare share;
    if (!has_user_attributes(share))
        return;
    share.write("target", "");
    REQUIRE(setxattr(share.inside("target").c_str(), "user.secret", "x", 1, 0) == 0);
    std::filesystem::create_symlink("target", share.inside("link"));
    FakeClient client(share);
    client.initialize();
    const auto link = client.node(root_node, "link");
    CHECK(get(client, link, "user.secret", 10).error != 0);
    CHECK(list(client, link, 1000).body.find("user.secret") == std::string::npos);
    CHECK(set(client, link, "user.new", "x").error == EPERM);
}

TEST_CASE("a size larger than any value costs no more than a value") {
    const TemporaryShare share;
    FakeClient client(share);
    client.initialize();
    CHECK(get(client, root_node, "user.none", 0xffffffff).error != 0);
    CHECK(list(client, root_node, 0xffffffff).error == 0);
}
