#include "vmm/devices/vsock/host_listener.h"

#include <doctest/doctest.h>
#include <sys/socket.h>

#include <string>
#include <utility>
#include <vector>

#include "tests/vmm/devices/vsock/guest_side.h"

using namespace nacre::vsock;
using nacre::FileDescriptor;
using test::connect_to;
using test::end_of_file;
using test::read_text;
using test::write_text;

namespace {

struct ListenerFixture {
    std::unique_ptr<nacre::EventLoop> loop = std::move(*nacre::EventLoop::create());
    FileDescriptor listening = test::listening_socket();
    HostListener::Options options;
    std::unique_ptr<HostListener> listener;
    std::vector<std::pair<FileDescriptor, std::uint32_t>> connected;

    void start(std::size_t room = 100) {
        options.on_connect = [this](FileDescriptor socket, std::uint32_t port) {
            connected.emplace_back(std::move(socket), port);
        };
        auto created = HostListener::create(*loop, std::move(*listening.duplicate()), std::move(options));
        REQUIRE(created);
        listener = std::move(*created);
        listener->set_room(room);
    }

    void run(int timeout_ms = 0) {
        REQUIRE(loop->run_once(timeout_ms));
        for (int i = 0; i < 4; ++i)
            REQUIRE(loop->run_once(0));
    }

    FileDescriptor client(std::string_view text) {
        auto socket = connect_to(listening);
        write_text(socket, text);
        run();
        return socket;
    }
};

}  // namespace

TEST_CASE("lines that are no CONNECT line") {
    for (const auto* line :
         {"", "\n", "CONNECT", "CONNECT \n", "CONNECT 1024", "connect 1024\n", "CONNECT  1024\n",
          "CONNECT -1\n", "CONNECT +1\n", "CONNECT 1024 \n", "CONNECT 1024\r\n", "CONNECT 0x400\n",
          "CONNECT 4294967295\n", "CONNECT 4294967296\n", "CONNECT 99999999999999999999\n", " CONNECT 1\n",
          "CONNECT 1\n2\n", "GET / HTTP/1.1\n"})
        CHECK_MESSAGE(!parse_connect_line(line), line);
}

TEST_CASE("CONNECT lines") {
    CHECK(parse_connect_line("CONNECT 0\n") == 0U);
    CHECK(parse_connect_line("CONNECT 1024\n") == 1024U);
    CHECK(parse_connect_line("CONNECT 4294967294\n") == 4294967294U);
}

TEST_CASE_FIXTURE(ListenerFixture, "a client that says anything else is closed") {
    start();
    for (const auto* text :
         {"nonsense\n", "CONNECT x\n", "no newline, and longer than any line can be", "\n"}) {
        const auto socket = client(text);
        CHECK(end_of_file(socket));
    }
    CHECK(connected.empty());
    CHECK(listener->waiting() == 0);
}

TEST_CASE_FIXTURE(ListenerFixture, "a client that leaves in the middle of its line is forgotten") {
    start();
    auto socket = client("CONN");
    CHECK(listener->waiting() == 1);
    socket.reset();
    run();
    CHECK(listener->waiting() == 0);
    client("").reset();
    run();
    CHECK(listener->waiting() == 0);
}

TEST_CASE_FIXTURE(ListenerFixture, "a client that does not finish its line in time is closed") {
    options.line_timeout = std::chrono::milliseconds(1);
    start();
    const auto socket = client("CONNECT 10");
    run(1000);  // returns when the timer fires
    CHECK(end_of_file(socket));
    CHECK(listener->waiting() == 0);
}

TEST_CASE_FIXTURE(ListenerFixture, "a line may come in pieces, and what follows it stays in the socket") {
    start();
    const auto socket = client("CONN");
    write_text(socket, "ECT 77");
    run();
    CHECK(connected.empty());
    write_text(socket, "7\nfirst bytes");
    run();
    REQUIRE(connected.size() == 1);
    CHECK(connected[0].second == 777);
    CHECK(read_text(connected[0].first) == "first bytes");
}

TEST_CASE_FIXTURE(ListenerFixture, "a client that half-closes after its line is connected") {
    start();
    auto socket = connect_to(listening);
    write_text(socket, "CONNECT 5\nall");
    ::shutdown(socket.get(), SHUT_WR);
    run();
    REQUIRE(connected.size() == 1);
    CHECK(read_text(connected[0].first) == "all");
    CHECK(end_of_file(connected[0].first));
}

TEST_CASE_FIXTURE(ListenerFixture, "clients beyond the room wait in the backlog") {
    start(2);
    std::vector<FileDescriptor> clients;
    for (int i = 0; i < 4; ++i)
        clients.push_back(client("CONN"));
    CHECK(listener->waiting() == 2);
    listener->set_room(3);
    run();
    CHECK(listener->waiting() == 3);
    clients.erase(clients.begin());  // makes room
    run();
    CHECK(listener->waiting() == 3);
    for (const auto& socket : clients)
        write_text(socket, "ECT 1\n");
    run();
    CHECK(connected.size() == 3);
    CHECK(listener->waiting() == 0);
}

TEST_CASE_FIXTURE(ListenerFixture, "no more clients are read at once than the limit, whatever the room") {
    options.max_waiting = 8;
    start();
    std::vector<FileDescriptor> clients;
    for (int i = 0; i < 50; ++i)
        clients.push_back(connect_to(listening));
    run();
    CHECK(listener->waiting() == 8);
    for (const auto& socket : clients)
        write_text(socket, "CONNECT 1\n");
    for (int i = 0; i < 10; ++i)
        run();
    CHECK(connected.size() == 50);
}
