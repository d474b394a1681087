#include "runtime/relay/notify_socket.h"

#include <doctest/doctest.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <array>
#include <cstddef>
#include <cstring>
#include <thread>

#include "tests/runtime/temporary_directory.h"

using namespace nacre;
using namespace nacre::runtime;

namespace {

/// `name` as NOTIFY_SOCKET has it.
FileDescriptor manager_at(const std::string& name) {
    FileDescriptor socket(::socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0));
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    REQUIRE(name.size() < sizeof address.sun_path);
    name.copy(address.sun_path, name.size());
    if (address.sun_path[0] == '@')
        address.sun_path[0] = '\0';
    const auto size = static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + name.size());
    REQUIRE(::bind(socket.get(), reinterpret_cast<const sockaddr*>(&address), size) == 0);
    return socket;
}

/// The next message; a descriptor that comes with it is closed.
std::string receive(const FileDescriptor& manager) {
    std::array<char, 64> buffer{};
    const auto size = ::recv(manager.get(), buffer.data(), buffer.size(), 0);
    return {buffer.data(), static_cast<std::size_t>(size)};
}

}  // namespace

TEST_CASE("what is no socket of a service manager is refused") {
    const TemporaryDirectory directory;
    CHECK_FALSE(connect_notify_socket(std::string("vsock:2:1234")));
    CHECK_FALSE(connect_notify_socket(std::string("relative")));
    CHECK_FALSE(connect_notify_socket(std::string("/dev/null")));
    CHECK_FALSE(connect_notify_socket(directory.path() + "/absent"));
    CHECK_FALSE(connect_notify_socket("@" + std::string(200, 'x')));
    CHECK_FALSE(connect_notify_socket("@nacre-test-absent-" + std::to_string(::getpid())));
}

TEST_CASE("a message reaches a manager by path and by abstract name") {
    const TemporaryDirectory directory;
    for (const auto& name : {directory.path() + "/socket", "@nacre-test-" + std::to_string(::getpid())}) {
        const auto manager = manager_at(name);
        const auto socket = connect_notify_socket(name);
        REQUIRE(socket);
        REQUIRE(send_notification(*socket, "READY=1\n"));
        CHECK(receive(manager) == "READY=1\n");
    }
}

TEST_CASE("ready is what one of the lines says, whole") {
    CHECK(says_ready("READY=1"));
    CHECK(says_ready("READY=1\n"));
    CHECK(says_ready("STATUS=up\nREADY=1\nMAINPID=7"));
    CHECK_FALSE(says_ready(""));
    CHECK_FALSE(says_ready("READY=0"));
    CHECK_FALSE(says_ready("READY=10"));
    CHECK_FALSE(says_ready("STATUS=READY=1"));
}

TEST_CASE("a barrier ends when the manager has let go of it, or in time") {
    const TemporaryDirectory directory;
    const auto manager = manager_at(directory.path() + "/socket");
    const auto socket = connect_notify_socket(directory.path() + "/socket");
    REQUIRE(socket);
    CHECK(notify_barrier(*socket, 10));
    CHECK(receive(manager) == "BARRIER=1");
    std::thread reader([&] { CHECK(receive(manager) == "BARRIER=1"); });
    CHECK(notify_barrier(*socket, 60'000));
    reader.join();
}
