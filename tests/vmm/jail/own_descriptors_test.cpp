#include "vmm/jail/own_descriptors.h"

#include <doctest/doctest.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <string>

namespace nacre::jail {
namespace {

int error_of_open(const FileDescriptor& directory, const char* path, int flags) {
    const FileDescriptor file(::openat(directory.get(), path, flags | O_CLOEXEC));
    return file ? 0 : errno;
}

TEST_CASE("what the process holds can be opened anew") {
    const auto directory = open_own_descriptors();
    REQUIRE(directory);
    const FileDescriptor held(::open("/", O_PATH | O_DIRECTORY | O_CLOEXEC));
    const FileDescriptor again(
        ::openat(directory->get(), std::to_string(held.get()).c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
    REQUIRE(again);
    struct stat one {};
    struct stat other {};
    REQUIRE(::fstat(held.get(), &one) == 0);
    REQUIRE(::fstat(again.get(), &other) == 0);
    CHECK(one.st_ino == other.st_ino);
}

TEST_CASE("no way leads from there to the settings of the system") {
    const auto directory = open_own_descriptors();
    REQUIRE(directory);
    for (const char* path : {"../../sys", "../../sys/kernel/core_pattern", "../../sysrq-trigger",
                             "../../kcore", "../../../../../proc/sys", "../../kallsyms"}) {
        CAPTURE(path);
        CHECK(error_of_open(*directory, path, O_RDONLY) == ENOENT);
    }
}

TEST_CASE("nothing there can be written, not even by root") {
    const auto directory = open_own_descriptors();
    REQUIRE(directory);
    for (const char* path : {"../mem", "../oom_score_adj", "../comm", "../uid_map", "../coredump_filter"}) {
        CAPTURE(path);
        CHECK(error_of_open(*directory, path, O_WRONLY) == EROFS);
    }
}

}  // namespace
}  // namespace nacre::jail
