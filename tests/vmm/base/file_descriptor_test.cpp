#include "vmm/base/file_descriptor.h"

#include <doctest/doctest.h>
#include <fcntl.h>
#include <unistd.h>

using namespace nacre;

namespace {

bool is_open(int fd) {
    return ::fcntl(fd, F_GETFD) >= 0;
}

}  // namespace

TEST_CASE("a descriptor is closed once, by its last owner") {
    int number = -1;
    {
        FileDescriptor first(::dup(STDIN_FILENO));
        number = first.get();
        FileDescriptor second(std::move(first));
        CHECK_FALSE(first.valid());
        CHECK(second.get() == number);
        CHECK(is_open(number));
    }
    CHECK_FALSE(is_open(number));
}

TEST_CASE("a released descriptor stays open") {
    FileDescriptor owner(::dup(STDIN_FILENO));
    const int number = owner.release();
    CHECK_FALSE(owner.valid());
    CHECK(is_open(number));
    ::close(number);
}

TEST_CASE("assigning closes what was owned before") {
    FileDescriptor owner(::dup(STDIN_FILENO));
    const int first = owner.get();
    FileDescriptor other(::dup(STDIN_FILENO));
    owner = std::move(other);
    CHECK_FALSE(is_open(first));
    CHECK(owner.valid());
}

TEST_CASE("duplicating nothing is an error; a duplicate is closed on exec") {
    CHECK_FALSE(FileDescriptor().duplicate().has_value());
    const FileDescriptor original(::dup(STDIN_FILENO));
    const auto copy = original.duplicate();
    REQUIRE(copy.has_value());
    CHECK((::fcntl(copy->get(), F_GETFD) & FD_CLOEXEC) != 0);
}

TEST_CASE("flags are set and cleared, and a closed descriptor is an error") {
    int ends[2];
    REQUIRE(::pipe(ends) == 0);
    const FileDescriptor reader(ends[0]);
    const FileDescriptor writer(ends[1]);
    REQUIRE(set_nonblocking(reader.get(), true));
    CHECK((::fcntl(reader.get(), F_GETFL) & O_NONBLOCK) != 0);
    REQUIRE(set_nonblocking(reader.get(), false));
    CHECK((::fcntl(reader.get(), F_GETFL) & O_NONBLOCK) == 0);
    REQUIRE(set_close_on_exec(reader.get(), true));
    CHECK((::fcntl(reader.get(), F_GETFD) & FD_CLOEXEC) != 0);
    CHECK_FALSE(set_nonblocking(-1, true).has_value());
}
