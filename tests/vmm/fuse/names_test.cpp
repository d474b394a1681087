#include <doctest/doctest.h>
#include <fcntl.h>
#include <linux/fs.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>

#include "tests/vmm/fuse/fake_client.h"

using namespace nacre::fuse;
using namespace nacre::fuse::fake;

namespace {

Answer rename(FakeClient& client, std::string_view from, std::string_view to, std::uint32_t flags,
              NodeId target = root_node) {
    fuse_rename2_in in{};
    in.newdir = target;
    in.flags = flags;
    return client.call(FUSE_RENAME2, root_node, bytes_of(in) + name_bytes(from) + name_bytes(to));
}

}  // namespace

TEST_CASE("names that are no single component are refused in every request") {
    const TemporaryShare share;
    share.write("file", "");
    FakeClient client(share);
    client.initialize();
    const auto node = client.node(root_node, "file");
    for (const std::string_view name : {"", ".", "..", "../file", "/file", "a/b"}) {
        CHECK(client.call(FUSE_UNLINK, root_node, name_bytes(name)).error == EINVAL);
        CHECK(client.call(FUSE_RMDIR, root_node, name_bytes(name)).error == EINVAL);
        CHECK(client.call(FUSE_LINK, root_node, bytes_of(fuse_link_in{node}) + name_bytes(name)).error ==
              EINVAL);
        CHECK(rename(client, name, "new", 0).error == EINVAL);
        CHECK(rename(client, "file", name, 0).error == EINVAL);
    }
    CHECK(
        client.call(FUSE_RENAME, root_node, bytes_of(fuse_rename_in{root_node}) + name_bytes("file")).error ==
        EINVAL);
    CHECK(std::filesystem::exists(share.inside("file")));
}

TEST_CASE("UNLINK removes files and RMDIR empty directories, neither the other") {
    const TemporaryShare share;
    share.write("file", "");
    std::filesystem::create_directories(share.inside("full/inner"));
    FakeClient client(share);
    client.initialize();
    CHECK(client.call(FUSE_RMDIR, root_node, name_bytes("file")).error == ENOTDIR);
    CHECK(client.call(FUSE_UNLINK, root_node, name_bytes("full")).error == EISDIR);
    CHECK(client.call(FUSE_RMDIR, root_node, name_bytes("full")).error == ENOTEMPTY);
    CHECK(client.call(FUSE_UNLINK, root_node, name_bytes("none")).error == ENOENT);
    CHECK(client.call(FUSE_UNLINK, root_node, name_bytes("file")).error == 0);
    CHECK_FALSE(std::filesystem::exists(share.inside("file")));
}

TEST_CASE("UNLINK removes a symbolic link, not what it leads to") {
    const TemporaryShare share;
    std::filesystem::create_directory(share.outside("kept"));
    std::filesystem::create_symlink(share.outside("kept"), share.inside("link"));
    FakeClient client(share);
    client.initialize();
    CHECK(client.call(FUSE_RMDIR, root_node, name_bytes("link")).error == ENOTDIR);
    CHECK(client.call(FUSE_UNLINK, root_node, name_bytes("link")).error == 0);
    CHECK(std::filesystem::exists(share.outside("kept")));
}

TEST_CASE("LINK makes a second name and counts it, of symbolic links too") {
    const TemporaryShare share;
    share.write("file", "");
    std::filesystem::create_symlink("file", share.inside("link"));
    FakeClient client(share);
    client.initialize();
    const auto node = client.node(root_node, "file");
    const auto linked =
        client.call(FUSE_LINK, root_node, bytes_of(fuse_link_in{node}) + name_bytes("second"));
    CHECK(linked.as<fuse_entry_out>().nodeid == node);
    CHECK(linked.as<fuse_entry_out>().attr.nlink == 2);
    CHECK(client.call(FUSE_LINK, root_node, bytes_of(fuse_link_in{node}) + name_bytes("link")).error ==
          EEXIST);
    const auto symbolic = client.node(root_node, "link");
    const auto again =
        client.call(FUSE_LINK, root_node, bytes_of(fuse_link_in{symbolic}) + name_bytes("link2"));
    CHECK(S_ISLNK(again.as<fuse_entry_out>().attr.mode));
    CHECK(client.call(FUSE_LINK, root_node, bytes_of(fuse_link_in{root_node}) + name_bytes("dir")).error ==
          EPERM);
}

TEST_CASE("RENAME moves, replaces, and keeps the node") {
    const TemporaryShare share;
    share.write("a", "a");
    share.write("b", "b");
    std::filesystem::create_directory(share.inside("d"));
    FakeClient client(share);
    client.initialize();
    const auto node = client.node(root_node, "a");
    const auto replaced = client.node(root_node, "b");
    const auto directory = client.node(root_node, "d");
    CHECK(rename(client, "a", "b", 0).error == 0);
    CHECK(client.node(root_node, "b") == node);
    CHECK(client.getattr(replaced).as<fuse_attr_out>().attr.nlink == 0);
    CHECK(rename(client, "b", "c", 0, directory).error == 0);
    CHECK(share.read("d/c") == "a");
    CHECK(rename(client, "d", "e", 0, directory).error == EINVAL);
    CHECK(rename(client, "d", "e", 0, 4711).error == ESTALE);
}

TEST_CASE("RENAME2: NOREPLACE, EXCHANGE, and flags that do not exist") {
    const TemporaryShare share;
    share.write("a", "a");
    share.write("b", "b");
    FakeClient client(share);
    client.initialize();
    CHECK(rename(client, "a", "b", RENAME_NOREPLACE).error == EEXIST);
    CHECK(rename(client, "a", "b", RENAME_EXCHANGE).error == 0);
    CHECK(share.read("a") == "b");
    CHECK(rename(client, "a", "b", RENAME_EXCHANGE | RENAME_NOREPLACE).error == EINVAL);
    CHECK(rename(client, "a", "b", 0x100).error == EINVAL);
}
