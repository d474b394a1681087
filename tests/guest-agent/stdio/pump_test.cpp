#include "guest-agent/stdio/pump.h"

#include <doctest/doctest.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <string>

using namespace nacre;
using agent::Pump;

namespace {

/// A pipe into which the test writes, a pump, and a socket from which it reads; or the other way round.
struct Fixture {
    std::unique_ptr<EventLoop> loop = EventLoop::create().value();
    FileDescriptor pipe_read, pipe_write, near, far;
    std::unique_ptr<Pump> pump;
    int ends = 0;
    Pump::End how = Pump::End::source_ended;

    Fixture() {
        ::signal(SIGPIPE, SIG_IGN);
        std::array<int, 2> ends_of_pipe{};
        REQUIRE(::pipe2(ends_of_pipe.data(), O_NONBLOCK | O_CLOEXEC) == 0);
        pipe_read.reset(ends_of_pipe[0]);
        pipe_write.reset(ends_of_pipe[1]);
        std::array<int, 2> sockets{};
        REQUIRE(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, sockets.data()) == 0);
        near.reset(sockets[0]);
        far.reset(sockets[1]);
    }

    void start(FileDescriptor source, FileDescriptor sink, Pump::Method method) {
        pump = Pump::start(*loop, std::move(source), std::move(sink), method, [this](Pump::End end) {
                   ++ends;
                   how = end;
                   pump.reset();
               }).value();
    }
    void start_output(Pump::Method method) { start(std::move(pipe_read), std::move(near), method); }
    void start_input(Pump::Method method) { start(std::move(near), std::move(pipe_write), method); }

    void turn(int times = 10) {
        for (int i = 0; i < times; ++i)
            REQUIRE(loop->run_once(0));
    }
};

std::string read_available(int fd) {
    std::string text;
    std::array<char, 65536> buffer;
    for (ssize_t count; (count = ::read(fd, buffer.data(), buffer.size())) > 0;)
        text.append(buffer.data(), static_cast<std::size_t>(count));
    return text;
}

bool at_end(int fd) {
    char byte = 0;
    return ::read(fd, &byte, 1) == 0;
}

/// Bytes that show when one is lost or comes twice.
std::string pattern(std::size_t size) {
    std::string text(size, '\0');
    for (std::size_t i = 0; i < size; ++i)
        text[i] = static_cast<char>((i * 7 + i / 251) & 0xff);
    return text;
}

void move_all(Fixture& fixture, int write_fd, int read_fd) {
    const auto sent = pattern(3'000'000);
    std::string received;
    std::size_t written = 0;
    for (int turns = 0; turns < 100'000 && received.size() < sent.size(); ++turns) {
        const auto count =
            ::write(write_fd, sent.data() + written, std::min<std::size_t>(sent.size() - written, 50'000));
        if (count > 0)
            written += static_cast<std::size_t>(count);
        fixture.turn(1);
        if (turns % 3 == 0)
            received += read_available(read_fd);
    }
    CHECK(received == sent);
}

}  // namespace

TEST_CASE("the reader's end ends the pump and breaks the writer's pipe") {
    for (const auto method : {Pump::Method::splice, Pump::Method::copy}) {
        Fixture fixture;
        fixture.start_output(method);
        fixture.far.reset();
        fixture.turn();
        CHECK(fixture.ends == 1);
        CHECK(fixture.how == Pump::End::sink_closed);
        CHECK(::write(fixture.pipe_write.get(), "x", 1) < 0);
        CHECK(errno == EPIPE);
    }
}

TEST_CASE("a process that closes its standard input is reported to the other side") {
    for (const auto method : {Pump::Method::splice, Pump::Method::copy}) {
        Fixture fixture;
        fixture.start_input(method);
        fixture.pipe_read.reset();
        fixture.turn();
        CHECK(fixture.how == Pump::End::sink_closed);
        CHECK(at_end(fixture.far.get()));
    }
}

TEST_CASE("a sink that is full holds the source back, without work or growth") {
    for (const auto method : {Pump::Method::splice, Pump::Method::copy}) {
        Fixture fixture;
        fixture.start_output(method);
        const std::string chunk(4096, 'x');
        std::size_t taken = 0;
        for (int i = 0; i < 2000; ++i) {
            const auto count = ::write(fixture.pipe_write.get(), chunk.data(), chunk.size());
            taken += count > 0 ? static_cast<std::size_t>(count) : 0;
            fixture.turn(1);
        }
        CHECK(taken < 2'000'000);
        CHECK_FALSE(fixture.pump->idle());
        CHECK(fixture.ends == 0);
    }
}

TEST_CASE("end of file passes after everything before it") {
    for (const auto method : {Pump::Method::splice, Pump::Method::copy}) {
        Fixture fixture;
        fixture.start_output(method);
        REQUIRE(::write(fixture.pipe_write.get(), "last words", 10) == 10);
        fixture.pipe_write.reset();
        fixture.turn();
        CHECK(fixture.how == Pump::End::source_ended);
        std::array<char, 32> buffer{};
        CHECK(::read(fixture.far.get(), buffer.data(), buffer.size()) == 10);
        CHECK(at_end(fixture.far.get()));
    }
}

TEST_CASE("a half-closed connection is the process's end of file") {
    Fixture fixture;
    fixture.start_input(Pump::Method::splice);
    REQUIRE(::write(fixture.far.get(), "abc", 3) == 3);
    ::shutdown(fixture.far.get(), SHUT_WR);
    fixture.turn();
    CHECK(fixture.how == Pump::End::source_ended);
    std::array<char, 8> buffer{};
    CHECK(::read(fixture.pipe_read.get(), buffer.data(), buffer.size()) == 3);
    CHECK(at_end(fixture.pipe_read.get()));
}

TEST_CASE("every byte arrives once and in order, out and in") {
    for (const auto method : {Pump::Method::splice, Pump::Method::copy}) {
        Fixture out;
        out.start_output(method);
        move_all(out, out.pipe_write.get(), out.far.get());
        Fixture in;
        in.start_input(method);
        move_all(in, in.far.get(), in.pipe_read.get());
    }
}

TEST_CASE("idle means that nothing written before is on this side") {
    Fixture fixture;
    fixture.start_output(Pump::Method::splice);
    CHECK(fixture.pump->idle());
    REQUIRE(::write(fixture.pipe_write.get(), "x", 1) == 1);
    CHECK_FALSE(fixture.pump->idle());
    int calls = 0;
    fixture.pump->when_idle([&] { ++calls; });
    fixture.turn();
    CHECK(calls >= 1);
    CHECK(fixture.pump->idle());
}
