#include "guest-agent/stdio/process_streams.h"

#include <doctest/doctest.h>
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
        auto pipes = make_process_pipes().value();
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

TEST_CASE("drained although a descendant keeps the pipe open") {
    Fixture fixture;
    Connection connection;
    REQUIRE(fixture.streams->attach(Stream::standard_output, std::move(connection.agent), ""));
    fixture.child_writes("text");
    int drained = 0;
    fixture.streams->when_drained([&] { ++drained; });
    fixture.turn();
    CHECK(drained == 1);
    fixture.child_writes(" more");
    fixture.turn();
    CHECK(received(connection.host.get()) == "text more");
}
