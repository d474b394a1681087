#include "vmm/control/packet.h"

#include <doctest/doctest.h>
#include <fcntl.h>
#include <sys/stat.h>

#include <array>
#include <cerrno>

#include "tests/vmm/control/socket_pair.h"
#include "vmm/base/file.h"

using namespace nacre;
using namespace nacre::control;

namespace {

ino_t inode_of(int fd) {
    struct stat status {};
    REQUIRE(::fstat(fd, &status) == 0);
    return status.st_ino;
}

}  // namespace

TEST_CASE_FIXTURE(SocketPair, "nothing there, and the other side gone, are told apart") {
    CHECK(receive_packet(left.get(), MSG_DONTWAIT).error().code == EAGAIN);
    right.reset();
    CHECK(receive_packet(left.get(), MSG_DONTWAIT).error().code == ENOTCONN);
}

TEST_CASE_FIXTURE(SocketPair,
                  "a packet beyond the limits is neither sent nor taken, and leaks no descriptor") {
    CHECK_FALSE(send_packet(left.get(), std::string(max_packet_bytes + 1, 'x'), {}, 0));
    CHECK_FALSE(send_packet(left.get(), "x", std::vector<int>(max_packet_descriptors + 1, left.get()), 0));
    const std::string large(max_packet_bytes + 1, 'x');
    REQUIRE(::send(left.get(), large.data(), large.size(), 0) > 0);
    CHECK_FALSE(receive_packet(right.get(), MSG_DONTWAIT));
    REQUIRE(send_packet(left.get(), "next", {}, 0));
    CHECK(receive_packet(right.get(), MSG_DONTWAIT)->text == "next");
}

TEST_CASE_FIXTURE(SocketPair, "text and descriptors arrive together, close-on-exec") {
    const auto file = open_file("/", O_RDONLY | O_DIRECTORY);
    REQUIRE(file);
    REQUIRE(send_packet(left.get(), "{}", {file->get(), left.get()}, 0));
    const auto packet = receive_packet(right.get(), 0);
    REQUIRE(packet);
    CHECK(packet->text == "{}");
    REQUIRE(packet->descriptors.size() == 2);
    CHECK(inode_of(packet->descriptors[0].get()) == inode_of(file->get()));
    CHECK((::fcntl(packet->descriptors[0].get(), F_GETFD) & FD_CLOEXEC) != 0);
}

TEST_CASE_FIXTURE(SocketPair, "a packet to a side that has gone is an error, not a signal") {
    right.reset();
    CHECK(send_packet(left.get(), "{}", {}, 0).error().code == EPIPE);
}
