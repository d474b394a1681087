#include <doctest/doctest.h>
#include <fcntl.h>
#include <unistd.h>

#include <filesystem>

#include "tests/vmm/fuse/fake_client.h"

using namespace nacre::fuse;
using namespace nacre::fuse::fake;

TEST_CASE("names that are no single component are refused") {
    const TemporaryShare share;
    FakeClient client(share);
    client.initialize();
    for (const std::string_view name : {"", ".", "..", "/", "a/b", "../share", "/etc", "a/"})
        CHECK(client.lookup(root_node, name).error == EINVAL);
    CHECK(client.lookup(root_node, std::string(256, 'n')).error == ENAMETOOLONG);
    CHECK(client.call(FUSE_LOOKUP, root_node, "not terminated").error == EINVAL);
    CHECK(client.call(FUSE_LOOKUP, root_node, "").error == EINVAL);
}

TEST_CASE("nodes that were never given get ESTALE") {
    const TemporaryShare share;
    FakeClient client(share);
    client.initialize();
    for (const NodeId node : {NodeId{0}, NodeId{2}, NodeId{12345}, ~NodeId{0}})
        CHECK(client.lookup(node, "a").error == ESTALE);
}

TEST_CASE("looking a name up in a file fails") {
    const TemporaryShare share;
    share.write("file", "");
    FakeClient client(share);
    client.initialize();
    CHECK(client.lookup(client.node(root_node, "file"), "x").error == ENOTDIR);
}

TEST_CASE("a name that does not exist is node 0, to be remembered for a while") {
    const TemporaryShare share;
    FakeClient client(share);
    client.initialize();
    const auto answer = client.lookup(root_node, "nothing");
    CHECK(answer.error == 0);
    CHECK(answer.as<fuse_entry_out>().nodeid == 0);
    CHECK(answer.as<fuse_entry_out>().entry_valid == 1);
}

TEST_CASE("names on the mount of the root are not remembered where mounts come and go on it") {
    const TemporaryShare share;
    share.write("file", "");
    Options options;
    options.remember_names_of_root_mount = false;
    FakeClient client(share, options);
    client.initialize();
    for (const char* name : {"nothing", "file"}) {
        const auto entry = client.lookup(root_node, name).as<fuse_entry_out>();
        CHECK(entry.entry_valid == 0);
        CHECK(entry.entry_valid_nsec == 0);
    }
}

TEST_CASE("a file is found with its attributes, and again under the same node") {
    const TemporaryShare share;
    share.write("file", "12345");
    FakeClient client(share);
    client.initialize();
    const auto entry = client.lookup(root_node, "file").as<fuse_entry_out>();
    CHECK(entry.nodeid > root_node);
    CHECK(entry.attr.size == 5);
    CHECK(S_ISREG(entry.attr.mode));
    CHECK(client.node(root_node, "file") == entry.nodeid);
}

TEST_CASE("hard links are one node, also after a rename") {
    const TemporaryShare share;
    share.write("a", "");
    std::filesystem::create_hard_link(share.inside("a"), share.inside("b"));
    FakeClient client(share);
    client.initialize();
    const auto node = client.node(root_node, "a");
    CHECK(client.node(root_node, "b") == node);
    std::filesystem::rename(share.inside("a"), share.inside("c"));
    CHECK(client.node(root_node, "c") == node);
}

TEST_CASE("a node lives until it is forgotten as often as it was looked up") {
    const TemporaryShare share;
    share.write("file", "");
    FakeClient client(share);
    client.initialize();
    const auto node = client.node(root_node, "file");
    client.lookup(root_node, "file");
    CHECK(client.forget(node, 1).length == 0);
    CHECK(client.getattr(node).error == 0);
    client.forget(node, 1);
    CHECK(client.getattr(node).error == ESTALE);
    CHECK(client.node(root_node, "file") != node);
}

TEST_CASE("the root is never forgotten") {
    const TemporaryShare share;
    FakeClient client(share);
    client.initialize();
    client.forget(root_node, ~std::uint64_t{0});
    CHECK(client.getattr(root_node).error == 0);
}

TEST_CASE("forgetting what is unknown, or too often, does no harm") {
    const TemporaryShare share;
    share.write("file", "");
    FakeClient client(share);
    client.initialize();
    CHECK(client.forget(99, 1).length == 0);
    const auto node = client.node(root_node, "file");
    client.forget(node, ~std::uint64_t{0});
    client.forget(node, 1);
    CHECK(client.node(root_node, "file") != 0);
}

TEST_CASE("BATCH_FORGET forgets what it lists, however many it claims") {
    const TemporaryShare share;
    share.write("a", "");
    share.write("b", "");
    FakeClient client(share);
    client.initialize();
    const auto a = client.node(root_node, "a");
    const auto b = client.node(root_node, "b");
    fuse_batch_forget_in batch{};
    batch.count = 0xffffffff;
    const auto list = bytes_of(fuse_forget_one{a, 1}) + bytes_of(fuse_forget_one{b, 1});
    CHECK(client.call(FUSE_BATCH_FORGET, 0, bytes_of(batch) + list).length == 0);
    CHECK(client.getattr(a).error == ESTALE);
    CHECK(client.getattr(b).error == ESTALE);
    CHECK(client.file_system().inodes().size() == 1);
}

TEST_CASE("symbolic links are found, read and never followed") {
    const TemporaryShare share;
    std::filesystem::create_directory(share.outside("secret"));
    std::filesystem::create_symlink(share.outside("secret"), share.inside("absolute"));
    std::filesystem::create_symlink("../secret", share.inside("relative"));
    FakeClient client(share);
    client.initialize();
    for (const auto* name : {"absolute", "relative"}) {
        const auto entry = client.lookup(root_node, name).as<fuse_entry_out>();
        CHECK(S_ISLNK(entry.attr.mode));
        CHECK(client.lookup(entry.nodeid, "x").error == ENOTDIR);
        CHECK(client.call(FUSE_OPENDIR, entry.nodeid, bytes_of(fuse_open_in{})).error == ENOTDIR);
        CHECK(client.open(entry.nodeid, O_RDONLY).error == ENXIO);
    }
    const auto relative = client.node(root_node, "relative");
    CHECK(client.call(FUSE_READLINK, relative, "").body == "../secret");
}

TEST_CASE("READLINK of what is no link gets EINVAL") {
    const TemporaryShare share;
    share.write("file", "");
    FakeClient client(share);
    client.initialize();
    CHECK(client.call(FUSE_READLINK, client.node(root_node, "file"), "").error == EINVAL);
    CHECK(client.call(FUSE_READLINK, root_node, "").error == EINVAL);
}

TEST_CASE("the guest cannot know more files than the limit") {
    const TemporaryShare share;
    for (const auto* name : {"a", "b", "c"})
        share.write(name, "");
    Options options;
    options.max_inodes = 3;  // the root counts
    FakeClient client(share, options);
    client.initialize();
    const auto a = client.node(root_node, "a");
    CHECK(client.lookup(root_node, "b").error == 0);
    CHECK(client.lookup(root_node, "c").error == ENFILE);
    client.forget(a, 1);
    CHECK(client.lookup(root_node, "c").error == 0);
}
