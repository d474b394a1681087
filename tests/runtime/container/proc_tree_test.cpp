#include "runtime/container/proc_tree.h"

#include <doctest/doctest.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>

#include "vmm/base/file.h"

using namespace nacre;
using namespace nacre::runtime;

namespace {

/// A directory that is there while the test runs.
struct Tree {
    Tree() {
        std::string name = std::filesystem::temp_directory_path() / "proc-tree-XXXXXX";
        path = ::mkdtemp(name.data());
        fd = open_file(path, O_PATH | O_DIRECTORY).value();
    }
    ~Tree() { std::filesystem::remove_all(path); }

    std::string text(const std::string& name) const {
        return read_file(path + "/" + name, 1 << 20).value_or("none");
    }
    bool has(const std::string& name) const {
        return std::filesystem::exists(std::filesystem::symlink_status(path + "/" + name));
    }

    std::string path;
    FileDescriptor fd;
};

protocol::ProcessFiles process(std::uint32_t pid, std::string stat = "text") {
    return {pid, std::move(stat), "status\n", std::string("a\0b\0", 4), ""};
}

}  // namespace

TEST_CASE("a process is a directory of its files, its pid namespace a link that leads nowhere") {
    const Tree tree;
    auto labelled = process(7);
    labelled.label = "profile\n";
    REQUIRE(show_processes(tree.fd.get(), {1'700'000'000, 4026531836, {process(1), labelled}, false}));
    CHECK(tree.text("stat") == "btime 1700000000\n");
    CHECK(tree.text("1/stat") == "text");
    CHECK(tree.text("1/status") == "status\n");
    CHECK(tree.text("1/cmdline") == std::string("a\0b\0", 4));
    CHECK(std::filesystem::read_symlink(tree.path + "/1/ns/pid") == "pid:[4026531836]");
    CHECK_FALSE(tree.has("1/attr"));
    CHECK(tree.text("7/attr/current") == "profile\n");
}

TEST_CASE("what is gone is removed, what stays is replaced") {
    const Tree tree;
    REQUIRE(show_processes(tree.fd.get(), {1, 2, {process(1), process(7)}, false}));
    REQUIRE(show_processes(tree.fd.get(), {1, 2, {process(1, "newer"), process(8)}, false}));
    CHECK(tree.text("1/stat") == "newer");
    CHECK_FALSE(tree.has("7"));
    CHECK(tree.has("8/ns/pid"));
    clear_tree(tree.fd.get());
    CHECK(std::filesystem::is_empty(tree.path));
}

TEST_CASE("a guest does not decide how much is written") {
    const Tree tree;
    protocol::ProcFiles files;
    files.processes.push_back(process(1, std::string(100'000, 'x')));
    for (std::uint32_t pid = 2; pid < max_shown_processes + 100; ++pid)
        files.processes.push_back(process(pid));
    REQUIRE(show_processes(tree.fd.get(), files));
    CHECK(tree.text("1/stat").size() == 4096);
    CHECK(tree.has(std::to_string(max_shown_processes)));
    CHECK_FALSE(tree.has(std::to_string(max_shown_processes + 1)));
}

TEST_CASE("text that is no stat file has no terminal") {
    const Tree tree;
    for (const auto* stat : {"", ") ", "1 (a) S", "1 (a) S 1 1 1", "1 (a) S 1 1 1 ", "1 (a) S 1 1 1 x",
                             "1 (a) S 1 1 1 0 -1", "1 (a) S 1 1 1 1025 -1", "1 (a) S 1 1 1 99999999999 -1"}) {
        CAPTURE(stat);
        REQUIRE(show_terminals(tree.fd.get(), {0, 0, {process(1, stat)}, false}));
        CHECK(std::filesystem::is_empty(tree.path));
    }
}

TEST_CASE("a controlling terminal is a device node" * doctest::skip(::geteuid() != 0)) {
    const Tree tree;
    const auto in_pts3 = process(9, "9 (a) S b) S 1 9 9 34819 9 4194304");
    REQUIRE(
        show_terminals(tree.fd.get(), {0, 0, {in_pts3, in_pts3, process(1, "1 (a) S 0 1 1 0 -1 0")}, false}));
    struct stat node {};
    REQUIRE(::stat((tree.path + "/3").c_str(), &node) == 0);
    CHECK(S_ISCHR(node.st_mode));
    CHECK(node.st_rdev == 34819);
    REQUIRE(show_terminals(tree.fd.get(), {}));
    CHECK(std::filesystem::is_empty(tree.path));
}
