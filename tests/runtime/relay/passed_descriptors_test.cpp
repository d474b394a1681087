#include "runtime/relay/passed_descriptors.h"

#include <doctest/doctest.h>
#include <fcntl.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <cstdlib>

using namespace nacre;
using namespace nacre::runtime;

namespace {

/// "r", "w", "rw", or why it cannot be passed.
std::string direction_of(const FileDescriptor& fd) {
    REQUIRE(fd.valid());
    const auto direction = passable_direction(fd.get());
    if (!direction)
        return direction.error().message;
    return std::string(direction->readable ? "r" : "") + (direction->writable ? "w" : "");
}

FileDescriptor opened(const char* path, int flags) {
    return FileDescriptor(::open(path, flags, 0600));
}

}  // namespace

TEST_CASE("a descriptor that is not open, or not the caller's, is named") {
    CHECK(passable_direction(1023).error().message ==
          "unable to stat preserved-fd: descriptor 1023 is not open: Bad file descriptor");
    CHECK_FALSE(passable_direction(opened("/dev/null", O_RDONLY | O_CLOEXEC).get()));
}

TEST_CASE("what carries no stream of bytes is refused with what it is") {
    const auto refused = [](const FileDescriptor& fd, const char* what) {
        const auto text = direction_of(fd);
        CAPTURE(text);
        CHECK(text.starts_with(
            fmt::format("descriptor {} is {}, which cannot be passed into a VM", fd.get(), what)));
    };
    refused(opened("/", O_RDONLY | O_DIRECTORY), "a directory");
    refused(opened("/dev/zero", O_RDONLY), "a device");
    refused(opened("/dev/null", O_PATH), "the path of a file alone");
    refused(FileDescriptor(::memfd_create("m", 0)), "a file open for reading and writing");
    refused(FileDescriptor(::eventfd(0, 0)), "no file, pipe, socket or terminal");
    refused(FileDescriptor(::epoll_create1(0)), "no file, pipe, socket or terminal");
    refused(FileDescriptor(::socket(AF_UNIX, SOCK_DGRAM, 0)), "a socket that is no stream");
    refused(FileDescriptor(::socket(AF_UNIX, SOCK_SEQPACKET, 0)), "a socket that is no stream");
    FileDescriptor listener(::socket(AF_UNIX, SOCK_STREAM, 0));
    const sockaddr address{AF_UNIX, {}};
    REQUIRE(::bind(listener.get(), &address, sizeof(sa_family_t)) == 0);
    REQUIRE(::listen(listener.get(), 1) == 0);
    refused(listener, "a listening socket");
}

TEST_CASE("pipes, stream sockets, terminals and files go the way they are open for") {
    std::array<int, 2> ends{};
    REQUIRE(::pipe(ends.data()) == 0);
    CHECK(direction_of(FileDescriptor(ends[0])) == "r");
    CHECK(direction_of(FileDescriptor(ends[1])) == "w");
    REQUIRE(::socketpair(AF_UNIX, SOCK_STREAM, 0, ends.data()) == 0);
    CHECK(direction_of(FileDescriptor(ends[0])) == "rw");
    CHECK(direction_of(FileDescriptor(ends[1])) == "rw");
    CHECK(direction_of(opened("/dev/ptmx", O_RDWR | O_NOCTTY)) == "rw");
    CHECK(direction_of(opened("/dev/null", O_RDONLY)) == "r");
    CHECK(direction_of(opened("/proc/self/exe", O_RDONLY)) == "r");
    CHECK(direction_of(opened("/tmp", O_TMPFILE | O_WRONLY | O_APPEND)) == "w");
}

TEST_CASE("socket activation is refused when it is meant for this process") {
    ::setenv("LISTEN_FDS", "1", 1);
    ::setenv("LISTEN_PID", "1", 1);
    CHECK(check_socket_activation());
    ::setenv("LISTEN_PID", std::to_string(::getpid()).c_str(), 1);
    CHECK_FALSE(check_socket_activation());
    ::unsetenv("LISTEN_FDS");
    CHECK(check_socket_activation());
    ::unsetenv("LISTEN_PID");
}
