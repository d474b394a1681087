#include "vmm/fuse/inode_table.h"

#include <doctest/doctest.h>
#include <fcntl.h>
#include <unistd.h>

#include <filesystem>

#include "tests/vmm/fuse/fake_client.h"

using namespace nacre::fuse;
using namespace nacre::fuse::fake;

namespace {

/// A server that keeps few descriptors, so that looking up many files closes those of others.
Options with_descriptors(std::size_t count) {
    Options options;
    options.max_descriptors = count;
    return options;
}

void make_files(const TemporaryShare& share, const std::string& folder, int count) {
    std::filesystem::create_directories(share.inside(folder));
    for (int index = 0; index < count; ++index)
        share.write(folder + "/" + std::to_string(index), std::to_string(index));
}

std::uint64_t size_of(FakeClient& client, NodeId node) {
    return client.getattr(node).as<fuse_attr_out>().attr.size;
}

}  // namespace

TEST_CASE("more files may be known than there are descriptors") {
    const TemporaryShare share;
    make_files(share, "d/e", 300);
    FakeClient client(share, with_descriptors(64));
    client.initialize();
    std::vector<NodeId> nodes;
    for (int index = 0; index < 300; ++index)
        nodes.push_back(client.walk("d/e/" + std::to_string(index)));
    CHECK(client.file_system().inodes().size() == 303);
    CHECK(client.file_system().inodes().open_descriptors() <= 72);
    for (int index = 0; index < 300; ++index) {
        REQUIRE(nodes[static_cast<std::size_t>(index)] != 0);
        CHECK(size_of(client, nodes[static_cast<std::size_t>(index)]) == std::to_string(index).size());
    }
    CHECK(client.file_system().inodes().open_descriptors() <= 72);
}

TEST_CASE("a file that is looked up again after its descriptor was closed is the same node") {
    const TemporaryShare share;
    make_files(share, "d", 200);
    FakeClient client(share, with_descriptors(32));
    client.initialize();
    const auto first = client.walk("d/0");
    for (int index = 1; index < 200; ++index)
        client.walk("d/" + std::to_string(index));
    CHECK(client.walk("d/0") == first);
}

TEST_CASE("a file whose descriptor was closed survives its renaming and removal by the guest") {
    const TemporaryShare share;
    make_files(share, "d", 200);
    share.write("moved", "moved");
    share.write("removed", "removed");
    FakeClient client(share, with_descriptors(32));
    client.initialize();
    const auto moved = client.node(root_node, "moved");
    const auto removed = client.node(root_node, "removed");
    const auto directory = client.node(root_node, "d");
    const auto crowd = [&] {
        for (int index = 0; index < 200; ++index)
            client.node(directory, std::to_string(index));
    };
    crowd();
    const auto names = name_bytes("moved") + name_bytes("elsewhere");
    CHECK(client.call(FUSE_RENAME, root_node, bytes_of(fuse_rename_in{directory}) + names).error == 0);
    CHECK(client.call(FUSE_UNLINK, root_node, name_bytes("removed")).error == 0);
    crowd();
    CHECK(size_of(client, moved) == 5);
    CHECK(size_of(client, removed) == 7);
    CHECK(client.getattr(removed).as<fuse_attr_out>().attr.nlink == 0);
    CHECK(client.node(directory, "elsewhere") == moved);
}

TEST_CASE("another file in the place of one whose descriptor was closed is not taken for it") {
    const TemporaryShare share;
    make_files(share, "d", 200);
    share.write("victim", "old");
    FakeClient client(share, with_descriptors(32));
    client.initialize();
    const auto victim = client.node(root_node, "victim");
    for (int index = 0; index < 200; ++index)
        client.walk("d/" + std::to_string(index));
    share.write("new", "something else");
    std::filesystem::rename(share.inside("new"), share.inside("victim"));
    const auto answer = client.getattr(victim);
    CHECK((answer.error == ESTALE || answer.as<fuse_attr_out>().attr.size == 3));
}

TEST_CASE("forgetting gives descriptors back, whether they were closed before or not") {
    const TemporaryShare share;
    make_files(share, "d", 100);
    FakeClient client(share, with_descriptors(32));
    client.initialize();
    std::vector<NodeId> nodes;
    for (int index = 0; index < 100; ++index)
        nodes.push_back(client.walk("d/" + std::to_string(index)));
    const auto directory = client.node(root_node, "d");
    for (const auto node : nodes)
        client.forget(node, 1);
    client.forget(directory, 1000);
    CHECK(client.file_system().inodes().size() == 1);
    CHECK(client.file_system().inodes().open_descriptors() == 1);
}

TEST_CASE("a deep chain of directories is found again without recursion") {
    const TemporaryShare share;
    FakeClient client(share, with_descriptors(16));
    client.initialize();
    NodeId node = root_node;
    for (int depth = 0; depth < 200; ++depth) {
        const auto made = client.call(FUSE_MKDIR, node, bytes_of(fuse_mkdir_in{0755, 0}) + name_bytes("d"));
        REQUIRE(made.error == 0);
        node = made.as<fuse_entry_out>().nodeid;
    }
    make_files(share, "crowd", 100);
    for (int index = 0; index < 100; ++index)
        client.walk("crowd/" + std::to_string(index));
    CHECK(client.getattr(node).error == 0);
}
