#include "runtime/relay/terminal.h"

#include <doctest/doctest.h>
#include <fcntl.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cstring>
#include <string>

using namespace nacre;
using namespace nacre::runtime;

namespace {

struct Pty {
    FileDescriptor master{::posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC)};
    FileDescriptor slave;

    Pty() {
        REQUIRE(::unlockpt(master.get()) == 0);
        slave.reset(::ioctl(master.get(), TIOCGPTPEER, O_RDWR | O_NOCTTY | O_CLOEXEC));
        REQUIRE(slave);
    }
};

termios mode_of(int terminal) {
    termios mode{};
    REQUIRE(::tcgetattr(terminal, &mode) == 0);
    return mode;
}

bool takes_raw_input(int terminal) {
    return (mode_of(terminal).c_lflag & (ICANON | ECHO | ISIG)) == 0;
}

bool is_raw(int terminal) {
    return takes_raw_input(terminal) && (mode_of(terminal).c_oflag & OPOST) == 0;
}

struct Received {
    std::string text;
    FileDescriptor descriptor;
};

Received receive(int socket) {
    std::array<char, 256> text;
    alignas(cmsghdr) std::array<char, CMSG_SPACE(sizeof(int))> control{};
    iovec vector{text.data(), text.size()};
    msghdr header{};
    header.msg_iov = &vector;
    header.msg_iovlen = 1;
    header.msg_control = control.data();
    header.msg_controllen = control.size();
    const auto count = ::recvmsg(socket, &header, MSG_CMSG_CLOEXEC);
    REQUIRE(count > 0);
    const cmsghdr* message = CMSG_FIRSTHDR(&header);
    REQUIRE(message != nullptr);
    REQUIRE(message->cmsg_type == SCM_RIGHTS);
    int fd = -1;
    std::memcpy(&fd, CMSG_DATA(message), sizeof fd);
    return {std::string(text.data(), static_cast<std::size_t>(count)), FileDescriptor(fd)};
}

}  // namespace

TEST_CASE("who may have a terminal how") {
    CHECK_FALSE(check_terminal(true, true, ""));
    CHECK_FALSE(check_terminal(true, false, "socket"));
    CHECK_FALSE(check_terminal(false, true, "socket"));
    CHECK_FALSE(check_terminal(false, false, "socket"));
    CHECK(check_terminal(true, true, "socket"));
    CHECK(check_terminal(true, false, ""));
    CHECK(check_terminal(false, true, ""));
    CHECK(check_terminal(false, false, ""));
}

TEST_CASE("a console socket that is none is refused") {
    oci::Process process;
    process.terminal = true;
    CHECK_FALSE(choose_terminal(process, true, "/nonexistent/socket"));
    CHECK_FALSE(choose_terminal(process, true, "/dev/null"));
}

TEST_CASE("what is no terminal has no size and no raw mode") {
    const FileDescriptor null(::open("/dev/null", O_RDWR | O_CLOEXEC));
    CHECK_FALSE(window_size(null.get()));
    CHECK_FALSE(window_size(-1));
    CHECK_FALSE(RawTerminal::enter(null.get()));
}

TEST_CASE("a size of 0 by 0 is not known") {
    const Pty pty;
    CHECK_FALSE(window_size(pty.slave.get()));
    winsize window{};
    window.ws_row = 50;
    window.ws_col = 132;
    REQUIRE(::ioctl(pty.master.get(), TIOCSWINSZ, &window) == 0);
    const auto size = window_size(pty.slave.get());
    REQUIRE(size);
    CHECK(size->height == 50);
    CHECK(size->width == 132);
}

TEST_CASE("a caller's terminal takes raw input for a time, and goes on to make carriage returns") {
    const Pty pty;
    CHECK_FALSE(takes_raw_input(pty.slave.get()));
    {
        auto raw = RawTerminal::enter(pty.slave.get());
        REQUIRE(raw);
        const auto moved = std::move(*raw);
        CHECK(takes_raw_input(pty.slave.get()));
        CHECK((mode_of(pty.slave.get()).c_oflag & (OPOST | ONLCR)) == (OPOST | ONLCR));
    }
    CHECK_FALSE(takes_raw_input(pty.slave.get()));
}

TEST_CASE("the console socket gets the master of a raw terminal, by name, which is the relay's own") {
    std::array<int, 2> ends{};
    REQUIRE(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends.data()) == 0);
    const FileDescriptor holder(ends[0]);
    FileDescriptor relay_end(ends[1]);
    const pid_t relay = ::fork();
    if (relay == 0) {
        ::setsid();
        ProcessTerminal terminal;
        terminal.wanted = true;
        terminal.console_socket = std::move(relay_end);
        terminal.size = oci::ConsoleSize{};
        terminal.size->height = 100'000;
        terminal.size->width = 7;
        const auto taken = take_terminal(terminal);
        const bool own = taken && ::tcgetsid(taken->get()) == ::getpid() && ::isatty(0) && ::isatty(2);
        char character = 0;
        const bool passed = ::read(STDIN_FILENO, &character, 1) == 1 && ::write(STDOUT_FILENO, "\n", 1) == 1;
        ::_exit(own && passed && character == '\x03' ? 0 : 1);
    }
    relay_end.reset();
    const auto received = receive(holder.get());
    CHECK(received.text.starts_with("/dev/pts/"));
    CHECK(is_raw(received.descriptor.get()));
    const auto size = window_size(received.descriptor.get());
    REQUIRE(size);
    CHECK(size->height == 65535);
    CHECK(size->width == 7);
    REQUIRE(::write(received.descriptor.get(), "\x03", 1) == 1);
    std::array<char, 8> echoed{};
    CHECK(::read(received.descriptor.get(), echoed.data(), echoed.size()) == 1);
    CHECK(echoed[0] == '\n');
    int status = 0;
    REQUIRE(::waitpid(relay, &status, 0) == relay);
    CHECK(status == 0);
}
