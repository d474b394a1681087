#include "runtime/relay/pidfd_socket.h"

#include <doctest/doctest.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cstring>

#include "tests/runtime/temporary_directory.h"
#include "vmm/base/pidfd.h"

using namespace nacre;
using namespace nacre::runtime;

namespace {

FileDescriptor listen_at(const std::string& path) {
    FileDescriptor socket(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    REQUIRE(path.size() < sizeof address.sun_path);
    std::strcpy(address.sun_path, path.c_str());
    REQUIRE(::bind(socket.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0);
    REQUIRE(::listen(socket.get(), 1) == 0);
    return socket;
}

/// What came with the one message, and its text.
FileDescriptor receive(int socket, std::string& text) {
    std::array<char, 64> data{};
    alignas(cmsghdr) std::array<char, CMSG_SPACE(sizeof(int))> control{};
    iovec vector{data.data(), data.size()};
    msghdr header{};
    header.msg_iov = &vector;
    header.msg_iovlen = 1;
    header.msg_control = control.data();
    header.msg_controllen = control.size();
    REQUIRE(::recvmsg(socket, &header, MSG_CMSG_CLOEXEC) > 0);
    const cmsghdr* message = CMSG_FIRSTHDR(&header);
    REQUIRE(message != nullptr);
    int fd = -1;
    std::memcpy(&fd, CMSG_DATA(message), sizeof fd);
    text = data.data();
    return FileDescriptor(fd);
}

}  // namespace

TEST_CASE("without a pidfd socket nothing is sent, and one that is none is refused") {
    const auto none = connect_pidfd_socket("");
    REQUIRE(none);
    CHECK_FALSE(*none);
    CHECK(send_pidfd(*none, -1, "standard"));
    CHECK_FALSE(connect_pidfd_socket("/nonexistent/socket"));
    CHECK_FALSE(connect_pidfd_socket("/dev/null"));
}

TEST_CASE("the pidfd socket's holder gets the process itself, with runc's name for its kind") {
    const TemporaryDirectory directory;
    const auto listener = listen_at(directory.path() + "/socket");
    const auto socket = connect_pidfd_socket(directory.path() + "/socket");
    REQUIRE(socket);
    const FileDescriptor holder(::accept(listener.get(), nullptr, nullptr));
    const pid_t child = ::fork();
    if (child == 0)
        for (;;)
            ::pause();
    REQUIRE(send_pidfd(*socket, child, "setns"));
    std::string kind;
    const auto pidfd = receive(holder.get(), kind);
    CHECK(kind == "setns");
    CHECK(send_signal(pidfd.get(), SIGKILL));
    int status = 0;
    REQUIRE(::waitpid(child, &status, 0) == child);
    CHECK(WTERMSIG(status) == SIGKILL);
    CHECK_FALSE(send_pidfd(*socket, child, "setns"));
}
