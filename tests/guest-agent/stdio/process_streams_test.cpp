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
using protocol::Stream;

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
        auto pipes = make_process_pipes(::geteuid()).value();
        child = std::move(pipes.second);
        streams = std::make_unique<ProcessStreams>(*loop, std::move(pipes.first));
    }

    void turn() {
        for (int i = 0; i < 10; ++i)
            REQUIRE(loop->run_once(0));
    }

    void child_writes(const std::string& text) {
        REQUIRE(::write(child.output.get(), text.data(), text.size()) == static_cast<ssize_t>(text.size()));
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
    for (const auto stream : {Stream::standard_input, Stream::standard_output, Stream::standard_error}) {
        Connection connection;
        REQUIRE(fixture.streams->check_attachable(stream));
        REQUIRE(fixture.streams->attach(stream, std::move(connection.agent), "hi"));
        CHECK_FALSE(fixture.streams->check_attachable(stream));
    }
}

TEST_CASE("a host that closed its connection to standard input before the start leaves end of file") {
    Fixture fixture;
    Connection connection;
    REQUIRE(fixture.streams->attach(Stream::standard_input, std::move(connection.agent), "hi"));
    connection.host.reset();
    fixture.streams->started();
    fixture.turn();
    CHECK(received(fixture.child.input.get()) == "end");
}

TEST_CASE("there is no window to resize without a terminal") {
    Fixture fixture;
    CHECK_FALSE(fixture.streams->resize(24, 80));
}

TEST_CASE("output written before the attachment follows the greeting") {
    Fixture fixture;
    fixture.child_writes("early");
    Connection connection;
    REQUIRE(fixture.streams->attach(Stream::standard_output, std::move(connection.agent), "hi"));
    CHECK(received(connection.host.get()) == "hi");
    fixture.turn();
    CHECK(received(connection.host.get()) == "early");
}

TEST_CASE("standard input waits for the start") {
    Fixture fixture;
    Connection connection;
    REQUIRE(fixture.streams->attach(Stream::standard_input, std::move(connection.agent), "hi"));
    fixture.turn();
    CHECK(received(connection.host.get()) == "nothing");
    fixture.streams->started();
    CHECK(received(connection.host.get()) == "hi");
    REQUIRE(::write(connection.host.get(), "in", 2) == 2);
    fixture.turn();
    CHECK(received(fixture.child.input.get()) == "in");
}

TEST_CASE("drained: at once with nothing attached, later with output on its way") {
    Fixture fixture;
    fixture.child_writes("text");
    int drained = 0;
    fixture.streams->when_drained([&] { ++drained; });
    CHECK(drained == 1);

    Fixture attached;
    Connection connection;
    REQUIRE(attached.streams->attach(Stream::standard_output, std::move(connection.agent), ""));
    attached.child_writes("text");
    attached.child.output.reset();
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
    REQUIRE(fixture.streams->attach(Stream::standard_output, std::move(connection.agent), ""));
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
    REQUIRE(fixture.streams->attach(Stream::standard_output, std::move(output.agent), ""));
    REQUIRE(fixture.streams->attach(Stream::standard_error, std::move(error.agent), ""));
    fixture.turn();
    CHECK(received(output.host.get()) == "text");
    CHECK(received(output.host.get()) == "end");
    CHECK(received(error.host.get()) == "end");
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
        REQUIRE(streams.attach(Stream::standard_input, std::move(input.agent), ""));
        REQUIRE(streams.attach(Stream::standard_output, std::move(output.agent), ""));
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
