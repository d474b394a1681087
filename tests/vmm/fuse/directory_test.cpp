#include <dirent.h>
#include <doctest/doctest.h>
#include <fcntl.h>
#include <sys/stat.h>

#include <filesystem>
#include <map>
#include <set>

#include "tests/vmm/fuse/fake_client.h"

using namespace nacre::fuse;
using namespace nacre::fuse::fake;

namespace {

struct Entry {
    std::uint64_t next_offset;
    std::uint32_t type;
    fuse_entry_out found;  // READDIRPLUS only
    std::string name;
};

std::uint64_t open_directory(FakeClient& client, NodeId node) {
    return client.call(FUSE_OPENDIR, node, bytes_of(fuse_open_in{})).as<fuse_open_out>().fh;
}

Answer read_directory(FakeClient& client, std::uint32_t opcode, std::uint64_t handle, std::uint64_t offset,
                      std::uint32_t size) {
    fuse_read_in in{};
    in.fh = handle;
    in.offset = offset;
    in.size = size;
    return client.call(opcode, root_node, bytes_of(in), sizeof(fuse_out_header) + size);
}

std::vector<Entry> parse(const Answer& answer, bool plus) {
    std::vector<Entry> entries;
    std::size_t at = 0;
    const std::size_t before_name = plus ? FUSE_NAME_OFFSET_DIRENTPLUS : FUSE_NAME_OFFSET;
    while (at < answer.body.size()) {
        Entry entry{};
        if (plus)
            entry.found = answer.as<fuse_entry_out>(at);
        const auto header = answer.as<fuse_dirent>(at + (plus ? sizeof(fuse_entry_out) : 0));
        entry.next_offset = header.off;
        entry.type = header.type;
        entry.name = answer.body.substr(at + before_name, header.namelen);
        entries.push_back(entry);
        at += FUSE_DIRENT_ALIGN(before_name + header.namelen);
    }
    CHECK(at == answer.body.size());
    return entries;
}

/// All entries, read in portions of `size` bytes.
std::vector<Entry> list(FakeClient& client, std::uint32_t opcode, std::uint64_t handle, std::uint32_t size) {
    std::vector<Entry> all;
    for (std::uint64_t offset = 0;;) {
        const auto answer = read_directory(client, opcode, handle, offset, size);
        REQUIRE(answer.error == 0);
        const auto some = parse(answer, opcode == FUSE_READDIRPLUS);
        if (some.empty())
            return all;
        all.insert(all.end(), some.begin(), some.end());
        offset = some.back().next_offset;
    }
}

std::set<std::string> names(const std::vector<Entry>& entries) {
    std::set<std::string> result;
    for (const auto& entry : entries)
        CHECK(result.insert(entry.name).second);
    return result;
}

}  // namespace

TEST_CASE("handles of files are no handles of directories") {
    const TemporaryShare share;
    share.write("file", "");
    FakeClient client(share);
    client.initialize();
    const auto file = client.handle(client.node(root_node, "file"), O_RDONLY);
    CHECK(read_directory(client, FUSE_READDIR, file, 0, 4096).error == EBADF);
    CHECK(read_directory(client, FUSE_READDIR, 0, 0, 4096).error == EBADF);
    const auto directory = open_directory(client, root_node);
    fuse_release_in release{};
    release.fh = directory;
    CHECK(client.call(FUSE_RELEASEDIR, root_node, bytes_of(release)).error == 0);
    CHECK(client.call(FUSE_RELEASEDIR, root_node, bytes_of(release)).error == EBADF);
}

TEST_CASE("OPENDIR opens nothing but directories") {
    const TemporaryShare share;
    share.write("file", "");
    FakeClient client(share);
    client.initialize();
    const auto node = client.node(root_node, "file");
    CHECK(client.call(FUSE_OPENDIR, node, bytes_of(fuse_open_in{})).error == ENOTDIR);
}

TEST_CASE("space that holds no entry is an error, not the end") {
    const TemporaryShare share;
    FakeClient client(share);
    client.initialize();
    const auto handle = open_directory(client, root_node);
    for (const std::uint32_t size : {0U, 1U, 24U, 31U})
        CHECK(read_directory(client, FUSE_READDIR, handle, 0, size).error == EINVAL);
    CHECK(read_directory(client, FUSE_READDIRPLUS, handle, 0, 100).error == EINVAL);
}

TEST_CASE("a large directory is listed once and in full, whatever the portions") {
    const TemporaryShare share;
    std::set<std::string> expected{".", ".."};
    for (int index = 0; index < 1000; ++index) {
        const auto name = "entry-" + std::to_string(index);
        share.write(name, "");
        expected.insert(name);
    }
    FakeClient client(share);
    client.initialize();
    for (const std::uint32_t size : {200U, 4096U, 65536U}) {
        CHECK(names(list(client, FUSE_READDIR, open_directory(client, root_node), size)) == expected);
        CHECK(names(list(client, FUSE_READDIRPLUS, open_directory(client, root_node), size)) == expected);
    }
}

TEST_CASE("reading goes on from any offset that an entry gave") {
    const TemporaryShare share;
    for (int index = 0; index < 50; ++index)
        share.write(std::to_string(index), "");
    FakeClient client(share);
    client.initialize();
    const auto handle = open_directory(client, root_node);
    const auto all = list(client, FUSE_READDIR, handle, 65536);
    const auto middle = all[20].next_offset;
    const auto rest = parse(read_directory(client, FUSE_READDIR, handle, middle, 65536), false);
    REQUIRE(rest.size() == all.size() - 21);
    CHECK(rest.front().name == all[21].name);
}

TEST_CASE("offset 0 shows what has changed meanwhile") {
    const TemporaryShare share;
    share.write("a", "");
    FakeClient client(share);
    client.initialize();
    const auto handle = open_directory(client, root_node);
    CHECK(names(list(client, FUSE_READDIR, handle, 4096)).count("b") == 0);
    share.write("b", "");
    CHECK(names(list(client, FUSE_READDIR, handle, 4096)).count("b") == 1);
}

TEST_CASE("READDIRPLUS counts a lookup for each entry it names, none for . and ..") {
    const TemporaryShare share;
    share.write("file", "12345");
    std::filesystem::create_directory(share.inside("directory"));
    FakeClient client(share);
    client.initialize();
    std::map<std::string, Entry> entries;
    for (const auto& entry : list(client, FUSE_READDIRPLUS, open_directory(client, root_node), 4096))
        entries[entry.name] = entry;
    CHECK(entries["."].found.nodeid == 0);
    CHECK(entries[".."].found.nodeid == 0);
    CHECK(entries["file"].found.attr.size == 5);
    CHECK(entries["file"].type == DT_REG);
    CHECK(entries["directory"].type == DT_DIR);
    const auto node = entries["file"].found.nodeid;
    CHECK(client.getattr(node).error == 0);
    client.forget(node, 1);
    CHECK(client.getattr(node).error == ESTALE);
    client.forget(entries["directory"].found.nodeid, 1);
    CHECK(client.file_system().inodes().size() == 1);
}

TEST_CASE("READDIRPLUS leaves lookups to the guest when descriptors run short") {
    const TemporaryShare share;
    for (int index = 0; index < 100; ++index)
        share.write(std::to_string(index), "");
    Options options;
    options.max_descriptors = 16;
    FakeClient client(share, options);
    client.initialize();
    CHECK(list(client, FUSE_READDIRPLUS, open_directory(client, root_node), 4096).size() == 102);
    CHECK(client.file_system().inodes().open_descriptors() <= 16);
}

TEST_CASE("a removed directory that is open lists as empty") {
    const TemporaryShare share;
    std::filesystem::create_directory(share.inside("gone"));
    FakeClient client(share);
    client.initialize();
    const auto handle = open_directory(client, client.node(root_node, "gone"));
    CHECK(client.call(FUSE_RMDIR, root_node, name_bytes("gone")).error == 0);
    const auto answer = read_directory(client, FUSE_READDIR, handle, 0, 4096);
    CHECK((answer.error == ENOENT || answer.body.empty()));
}
