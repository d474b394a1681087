#include "guest-agent/stdio/process_streams.h"

#include <doctest/doctest.h>
#include <fcntl.h>
#include <poll.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <string>

using namespace nacre;
using namespace nacre::agent;

namespace {

struct Connection {
    FileDescriptor agent, host;

    Connection() {
        std::array<int, 2> ends{};
        REQUIRE(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, ends.data()) == 0);
        agent.reset(ends[0]);
        host.reset(ends[1]);
    }
};

struct Fixture {
    std::unique_ptr<EventLoop> loop = EventLoop::create().value();
    ChildPipes child;
    std::unique_ptr<ProcessStreams> streams;

    Fixture() {
        ParentPipes parent;
        REQUIRE(add_standard_pipes(::geteuid(), parent, child));
        REQUIRE(add_passed({{true, false}, {false, true}, {true, true}}, ::geteuid(), parent, child));
        streams = std::make_unique<ProcessStreams>(*loop, std::move(parent));
    }

    void turn() {
        for (int i = 0; i < 10; ++i)
            REQUIRE(loop->run_once(0));
    }

    void child_writes(const std::string& text) {
        REQUIRE(::write(child.standard[1].get(), text.data(), text.size()) ==
                static_cast<ssize_t>(text.size()));
    }
};

std::string received(int fd) {
    std::array<char, 4096> buffer;
    const auto count = ::read(fd, buffer.data(), buffer.size());
    return count < 0    ? "nothing"
           : count == 0 ? "end"
                        : std::string(buffer.data(), static_cast<std::size_t>(count));
}

}  // namespace

TEST_CASE("a stream is attached once") {
    Fixture fixture;
    for (const auto stream :
         {protocol::standard_input, protocol::standard_output, protocol::standard_error}) {
        Connection connection;
        REQUIRE(fixture.streams->check_attachable(stream));
        REQUIRE(fixture.streams->attach(stream, std::move(connection.agent), "hi"));
        CHECK_FALSE(fixture.streams->check_attachable(stream));
    }
}

TEST_CASE("a host that closed its connection to standard input before the start leaves end of file") {
    Fixture fixture;
    Connection connection;
    REQUIRE(fixture.streams->attach(protocol::standard_input, std::move(connection.agent), "hi"));
    connection.host.reset();
    fixture.streams->started();
    fixture.turn();
    CHECK(received(fixture.child.standard[0].get()) == "end");
}

TEST_CASE("there is no window to resize without a terminal") {
    Fixture fixture;
    CHECK_FALSE(fixture.streams->resize(24, 80));
}

TEST_CASE("output written before the attachment follows the greeting") {
    Fixture fixture;
    fixture.child_writes("early");
    Connection connection;
    REQUIRE(fixture.streams->attach(protocol::standard_output, std::move(connection.agent), "hi"));
    CHECK(received(connection.host.get()) == "hi");
    fixture.turn();
    CHECK(received(connection.host.get()) == "early");
}

TEST_CASE("standard input waits for the start") {
    Fixture fixture;
    Connection connection;
    REQUIRE(fixture.streams->attach(protocol::standard_input, std::move(connection.agent), "hi"));
    fixture.turn();
    CHECK(received(connection.host.get()) == "nothing");
    fixture.streams->started();
    CHECK(received(connection.host.get()) == "hi");
    REQUIRE(::write(connection.host.get(), "in", 2) == 2);
    fixture.turn();
    CHECK(received(fixture.child.standard[0].get()) == "in");
}

TEST_CASE("drained: at once with nothing attached, later with output on its way") {
    Fixture fixture;
    fixture.child_writes("text");
    int drained = 0;
    fixture.streams->when_drained([&] { ++drained; });
    CHECK(drained == 1);

    Fixture attached;
    Connection connection;
    REQUIRE(attached.streams->attach(protocol::standard_output, std::move(connection.agent), ""));
    attached.child_writes("text");
    attached.child.standard[1].reset();
    attached.streams->when_drained([&] { ++drained; });
    CHECK(drained == 1);
    attached.turn();
    CHECK(drained == 2);
    CHECK(received(connection.host.get()) == "text");
    CHECK(received(connection.host.get()) == "end");
}

TEST_CASE("drained, and ended for the host, although a descendant keeps the pipe open") {
    Fixture fixture;
    Connection connection;
    REQUIRE(fixture.streams->attach(protocol::standard_output, std::move(connection.agent), ""));
    fixture.child_writes("text");
    int drained = 0;
    fixture.streams->when_drained([&] { ++drained; });
    fixture.turn();
    CHECK(drained == 1);
    CHECK(received(connection.host.get()) == "text");
    CHECK(received(connection.host.get()) == "end");
}

TEST_CASE("what is attached after the process has gone gets what was written, and an end") {
    Fixture fixture;
    fixture.child_writes("text");
    fixture.streams->when_drained([] {});
    Connection output;
    Connection error;
    REQUIRE(fixture.streams->attach(protocol::standard_output, std::move(output.agent), ""));
    REQUIRE(fixture.streams->attach(protocol::standard_error, std::move(error.agent), ""));
    fixture.turn();
    CHECK(received(output.host.get()) == "text");
    CHECK(received(output.host.get()) == "end");
    CHECK(received(error.host.get()) == "end");
}

TEST_CASE("a passed descriptor that is read or written is a pipe like standard input or output") {
    Fixture fixture;
    fixture.streams->started();
    Connection input;
    Connection output;
    CHECK_FALSE(fixture.streams->check_attachable({3, false}));
    CHECK_FALSE(fixture.streams->check_attachable({4, true}));
    CHECK_FALSE(fixture.streams->check_attachable({6, true}));
    REQUIRE(fixture.streams->attach({3, true}, std::move(input.agent), ""));
    REQUIRE(fixture.streams->attach({4, false}, std::move(output.agent), ""));
    REQUIRE(::write(input.host.get(), "in", 2) == 2);
    REQUIRE(::write(fixture.child.passed[1].get(), "out", 3) == 3);
    fixture.turn();
    CHECK(received(fixture.child.passed[0].get()) == "in");
    CHECK(received(output.host.get()) == "out");
    REQUIRE(::shutdown(input.host.get(), SHUT_WR) == 0);
    fixture.child.passed[1].reset();
    fixture.turn();
    CHECK(received(fixture.child.passed[0].get()) == "end");
    CHECK(received(output.host.get()) == "end");
}

namespace {

/// A process with a socket for descriptor 5, both of its streams attached.
struct SocketFixture : Fixture {
    Connection input, output;
    int socket = child.passed[2].get();

    SocketFixture() {
        streams->started();
        REQUIRE(streams->attach({5, true}, std::move(input.agent), ""));
        REQUIRE(streams->attach({5, false}, std::move(output.agent), ""));
    }
};

}  // namespace

TEST_CASE("a passed socket carries both directions, and each ends by itself") {
    SocketFixture fixture;
    REQUIRE(::write(fixture.socket, "out", 3) == 3);
    REQUIRE(::shutdown(fixture.socket, SHUT_WR) == 0);
    fixture.turn();
    CHECK(received(fixture.output.host.get()) == "out");
    CHECK(received(fixture.output.host.get()) == "end");
    REQUIRE(::write(fixture.input.host.get(), "in", 2) == 2);
    fixture.turn();
    CHECK(received(fixture.socket) == "in");
    fixture.input.host.reset();
    fixture.turn();
    CHECK(received(fixture.socket) == "end");
}

TEST_CASE(
    "a host that has closed the output of a passed socket breaks the process's writing, not its reading") {
    SocketFixture fixture;
    fixture.output.host.reset();
    fixture.turn();
    CHECK(::send(fixture.socket, "out", 3, MSG_NOSIGNAL) < 0);
    CHECK(errno == EPIPE);
    REQUIRE(::write(fixture.input.host.get(), "in", 2) == 2);
    fixture.turn();
    CHECK(received(fixture.socket) == "in");
}

TEST_CASE("a process that has closed its socket ends both of the host's connections") {
    SocketFixture fixture;
    fixture.child.passed[2].reset();
    fixture.turn();
    CHECK(received(fixture.output.host.get()) == "end");
    CHECK(received(fixture.input.host.get()) == "end");
}

TEST_CASE("what was written on passed descriptors is passed on before the process counts as drained") {
    SocketFixture fixture;
    REQUIRE(::write(fixture.socket, "last", 4) == 4);
    int drained = 0;
    fixture.streams->when_drained([&] { ++drained; });
    CHECK(drained == 0);
    fixture.turn();
    CHECK(drained == 1);
    CHECK(received(fixture.output.host.get()) == "last");
    CHECK(received(fixture.output.host.get()) == "end");
}

namespace {

/// A process with a terminal.
struct TerminalFixture {
    std::unique_ptr<EventLoop> loop = EventLoop::create().value();
    ProcessStreams streams{*loop, {}};
    FileDescriptor slave;
    Connection input, output;

    TerminalFixture() {
        FileDescriptor master(::posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC));
        REQUIRE(::unlockpt(master.get()) == 0);
        slave.reset(::ioctl(master.get(), TIOCGPTPEER, O_RDWR | O_NOCTTY | O_CLOEXEC | O_NONBLOCK));
        REQUIRE(streams.use_terminal(std::move(master)));
        REQUIRE(streams.attach(protocol::standard_input, std::move(input.agent), ""));
        REQUIRE(streams.attach(protocol::standard_output, std::move(output.agent), ""));
        streams.started();
    }

    void turn() {
        for (int i = 0; i < 10; ++i)
            REQUIRE(loop->run_once(10));
    }

    bool hung_up() const {
        pollfd entry{slave.get(), 0, 0};
        return ::poll(&entry, 1, 0) > 0 && (entry.revents & POLLHUP) != 0;
    }
};

}  // namespace

TEST_CASE("a terminal echoes, edits lines and has a size") {
    TerminalFixture fixture;
    REQUIRE(fixture.streams.resize(40, 120));
    winsize window{};
    REQUIRE(::ioctl(fixture.slave.get(), TIOCGWINSZ, &window) == 0);
    CHECK(window.ws_row == 40);
    CHECK(window.ws_col == 120);
    REQUIRE(::write(fixture.input.host.get(), "in\r", 3) == 3);
    fixture.turn();
    CHECK(received(fixture.output.host.get()) == "in\r\n");
    CHECK(received(fixture.slave.get()) == "in\n");
}

TEST_CASE("a terminal that no process has open goes on, and ends when the process has gone") {
    TerminalFixture fixture;
    REQUIRE(::write(fixture.slave.get(), "out", 3) == 3);
    fixture.slave.reset();
    fixture.turn();
    CHECK(received(fixture.output.host.get()) == "out");
    CHECK(received(fixture.output.host.get()) == "nothing");
    int drained = 0;
    fixture.streams.when_drained([&] { ++drained; });
    fixture.turn();
    CHECK(drained == 1);
    CHECK(received(fixture.output.host.get()) == "end");
}

TEST_CASE("an input at its end leaves the terminal, an output that is closed hangs it up") {
    TerminalFixture fixture;
    fixture.input.host.reset();
    fixture.turn();
    CHECK_FALSE(fixture.hung_up());
    fixture.output.host.reset();
    fixture.turn();
    CHECK(fixture.hung_up());
    CHECK_FALSE(fixture.streams.resize(1, 1));
    int drained = 0;
    fixture.streams.when_drained([&] { ++drained; });
    CHECK(drained == 1);
}
