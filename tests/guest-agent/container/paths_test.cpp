#include "guest-agent/container/paths.h"

#include <doctest/doctest.h>
#include <fcntl.h>
#include <sys/stat.h>

#include "tests/guest-agent/temporary_directory.h"
#include "vmm/base/file.h"

using namespace nacre;
using namespace nacre::agent;

namespace {

/// A directory "root" with something outside it, "root/../secret".
struct Tree {
    test::TemporaryDirectory directory;
    FileDescriptor root;

    Tree() {
        directory.make_directory("root/etc");
        directory.write("secret", "outside");
        root = open_file(directory.path("root"), O_PATH | O_DIRECTORY).value();
    }

    std::string where(const FileDescriptor& fd) const {
        const auto path = std::filesystem::read_symlink(descriptor_path(fd.get())).string();
        const auto prefix = directory.path("root");
        return path.starts_with(prefix) ? path.substr(prefix.size()) : "outside: " + path;
    }

    std::string made(const std::string& path, PathKind kind = PathKind::directory) const {
        const auto fd = make_in_root(root.get(), path, kind);
        return fd ? where(*fd) : "error: " + fd.error().message;
    }
};

}  // namespace

TEST_CASE("share paths that could lead out or nowhere are refused") {
    for (const auto* path : {"", "/", "/a", "a/", "a//b", ".", "..", "a/..", "../a", "a/./b", "a/../b"})
        CHECK_FALSE(is_share_path(path));
    CHECK_FALSE(is_share_path(std::string_view("a\0b", 3)));
    for (const auto* path : {"a", "a/b", "id/mounts/3", "...", "a..b/.c"})
        CHECK(is_share_path(path));
}

TEST_CASE("no link is followed in the share, not even one inside it") {
    const Tree tree;
    tree.directory.link("etc", "root/link");
    CHECK_FALSE(open_in_share(tree.root.get(), "link"));
    CHECK_FALSE(open_in_share(tree.root.get(), "link/x"));
    CHECK_FALSE(open_in_share(tree.root.get(), "../secret"));
    CHECK_FALSE(open_in_share(tree.root.get(), "absent"));
    CHECK(open_in_share(tree.root.get(), "etc"));
    tree.directory.write("root/file");
    CHECK(open_in_share(tree.root.get(), "file"));
}

TEST_CASE("a path with a null byte is refused") {
    const Tree tree;
    const std::string path("etc\0/../..", 10);
    CHECK_FALSE(open_in_root(tree.root.get(), path, O_PATH));
    CHECK_FALSE(make_in_root(tree.root.get(), path, PathKind::directory));
    CHECK_FALSE(make_parent_in_root(tree.root.get(), path));
}

TEST_CASE("nothing leads out of the root") {
    const Tree tree;
    tree.directory.link("../..", "root/up");
    tree.directory.link("/secret", "root/absolute");
    tree.directory.link("../../../../../../etc", "root/far");
    CHECK_FALSE(open_in_root(tree.root.get(), "../secret", O_PATH));
    CHECK_FALSE(open_in_root(tree.root.get(), "/up/secret", O_PATH));
    CHECK_FALSE(open_in_root(tree.root.get(), "/absolute", O_PATH));
    CHECK(tree.made("/up/new") == "/new");
    CHECK(tree.made("/absolute/x") == "/secret/x");
    CHECK(tree.made("/far/y") == "/etc/y");
    CHECK(tree.made("../../a/../b") == "/b");
    CHECK_FALSE(std::filesystem::exists(tree.directory.path("new")));
    CHECK_FALSE(std::filesystem::exists(tree.directory.path("b")));
}

TEST_CASE("links in a circle, or below a file, are errors") {
    const Tree tree;
    tree.directory.link("b", "root/a");
    tree.directory.link("a", "root/b");
    tree.directory.write("root/file");
    CHECK(tree.made("/a/x").starts_with("error"));
    CHECK(tree.made("/file/x").starts_with("error"));
}

TEST_CASE("what is missing is made, directories and a last file") {
    const Tree tree;
    CHECK(tree.made("/a/b/c") == "/a/b/c");
    CHECK(tree.made("/run/secrets/file", PathKind::file) == "/run/secrets/file");
    CHECK(std::filesystem::is_regular_file(tree.directory.path("root/run/secrets/file")));
    CHECK(tree.made("/") == "");
}

TEST_CASE("a link to what does not exist makes its target, inside the root") {
    const Tree tree;
    tree.directory.link("/run", "root/var");
    tree.directory.link("../run/lock/../shm", "root/etc/shm");
    CHECK(tree.made("/var/log") == "/run/log");
    CHECK(tree.made("/etc/shm/x") == "/run/shm/x");
}

TEST_CASE("what exists is opened as it is") {
    const Tree tree;
    tree.directory.write("root/etc/passwd");
    CHECK(tree.made("/etc/passwd", PathKind::directory) == "/etc/passwd");
    CHECK(tree.made("/etc", PathKind::file) == "/etc");
}

TEST_CASE("a parent and a name, for what is neither file nor directory") {
    const Tree tree;
    const auto place = make_parent_in_root(tree.root.get(), "/dev/net/tun");
    REQUIRE(place);
    CHECK(place->name == "tun");
    CHECK(tree.where(place->parent) == "/dev/net");
    for (const auto* path : {"", "/", ".", "/dev/..", "/dev/."})
        CHECK_FALSE(make_parent_in_root(tree.root.get(), path));
}
