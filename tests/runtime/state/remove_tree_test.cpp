#include "runtime/state/remove_tree.h"

#include <doctest/doctest.h>
#include <fcntl.h>

#include <filesystem>
#include <fstream>

#include "tests/runtime/temporary_directory.h"

using namespace nacre;
using namespace nacre::runtime;

TEST_CASE("what is not there is removed already") {
    CHECK(remove_tree(AT_FDCWD, "/nonexistent/name"));
}

TEST_CASE("symbolic links are removed, not followed") {
    const TemporaryDirectory directory;
    std::filesystem::create_directory(directory.path() + "/kept");
    std::ofstream(directory.path() + "/kept/file") << "";
    std::filesystem::create_directory_symlink("kept", directory.path() + "/link");
    CHECK(remove_tree(AT_FDCWD, directory.path() + "/link"));
    CHECK_FALSE(std::filesystem::is_symlink(directory.path() + "/link"));
    CHECK(std::filesystem::exists(directory.path() + "/kept/file"));
}

TEST_CASE("a tree too deep for the stack is refused") {
    const TemporaryDirectory directory;
    auto path = directory.path() + "/deep";
    for (int i = 0; i < 70; ++i)
        path += "/d";
    std::filesystem::create_directories(path);
    CHECK(remove_tree(AT_FDCWD, directory.path() + "/deep").error().message.find("directories deep") !=
          std::string::npos);
}

TEST_CASE("files and directories go, with everything below") {
    const TemporaryDirectory directory;
    std::filesystem::create_directories(directory.path() + "/tree/a/b");
    std::ofstream(directory.path() + "/tree/a/file") << "x";
    CHECK(remove_tree(AT_FDCWD, directory.path() + "/tree"));
    CHECK_FALSE(std::filesystem::exists(directory.path() + "/tree"));
}
