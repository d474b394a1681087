#include "guest-agent/container/notify_socket.h"

#include <doctest/doctest.h>
#include <fcntl.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <array>
#include <cstring>
#include <filesystem>
#include <vector>

#include "tests/guest-agent/temporary_directory.h"
#include "vmm/base/file.h"

using namespace nacre;
using agent::NotifySocket;
using test::TemporaryDirectory;

namespace {

struct Fixture {
    TemporaryDirectory parent;
    std::unique_ptr<EventLoop> loop = EventLoop::create().value();
    std::vector<std::string> messages;
    std::unique_ptr<NotifySocket> socket =
        NotifySocket::create(*loop, parent.path(), [this](const std::string& message) {
            messages.push_back(message);
        }).value();

    FileDescriptor connect() const {
        FileDescriptor sender(::socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
        sockaddr_un address{};
        address.sun_family = AF_UNIX;
        socket->path().copy(address.sun_path, sizeof address.sun_path - 1);
        REQUIRE(::connect(sender.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0);
        return sender;
    }

    bool send(const std::string& message) const {
        return ::send(connect().get(), message.data(), message.size(), 0) ==
               static_cast<ssize_t>(message.size());
    }
};

}  // namespace

TEST_CASE("a message that is too long is dropped, and the next one is not") {
    Fixture fixture;
    REQUIRE(fixture.send(std::string(NotifySocket::max_message_bytes + 1, 'x')));
    REQUIRE(fixture.send(std::string(NotifySocket::max_message_bytes, 'y')));
    fixture.socket->drain();
    REQUIRE(fixture.messages.size() == 1);
    CHECK(fixture.messages[0] == std::string(NotifySocket::max_message_bytes, 'y'));
}

TEST_CASE("a barrier is answered by letting go of its descriptor, and goes nowhere") {
    Fixture fixture;
    std::array<int, 2> ends{};
    REQUIRE(::pipe2(ends.data(), O_CLOEXEC | O_NONBLOCK) == 0);
    const FileDescriptor reader(ends[0]);
    FileDescriptor writer(ends[1]);
    std::string text = "BARRIER=1";
    iovec vector{text.data(), text.size()};
    alignas(cmsghdr) std::array<char, CMSG_SPACE(sizeof(int))> control{};
    msghdr header{};
    header.msg_iov = &vector;
    header.msg_iovlen = 1;
    header.msg_control = control.data();
    header.msg_controllen = control.size();
    *CMSG_FIRSTHDR(&header) = {CMSG_LEN(sizeof(int)), SOL_SOCKET, SCM_RIGHTS};
    std::memcpy(CMSG_DATA(CMSG_FIRSTHDR(&header)), &ends[1], sizeof(int));
    REQUIRE(::sendmsg(fixture.connect().get(), &header, 0) > 0);
    writer.reset();
    char byte = 0;
    CHECK(::read(reader.get(), &byte, 1) < 0);
    fixture.socket->drain();
    CHECK(::read(reader.get(), &byte, 1) == 0);
    CHECK(fixture.messages.empty());
}

TEST_CASE("messages arrive one by one, of any bytes, from the loop") {
    Fixture fixture;
    REQUIRE(fixture.send("STATUS=\xff\nREADY=1"));
    REQUIRE(fixture.send(""));
    for (int i = 0; i < 4; ++i)
        REQUIRE(fixture.loop->run_once(0));
    CHECK(fixture.messages == std::vector<std::string>{"STATUS=\xff\nREADY=1", ""});
}

TEST_CASE("everybody may send, and nothing stays behind") {
    Fixture fixture;
    const auto mode = std::filesystem::status(fixture.socket->path()).permissions();
    CHECK((mode & std::filesystem::perms::all) == std::filesystem::perms::all);
    fixture.socket.reset();
    CHECK(std::filesystem::is_empty(fixture.parent.path()));
}
