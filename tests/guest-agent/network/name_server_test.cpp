#include "guest-agent/network/name_server.h"

#include <doctest/doctest.h>
#include <sys/socket.h>

#include <vector>

using namespace nacre;
using namespace nacre::agent;

namespace {

FileDescriptor loopback_socket(int type, sockaddr_in& address) {
    address = {};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t length = sizeof(address);
    FileDescriptor socket(::socket(AF_INET, type | SOCK_NONBLOCK, 0));
    auto* generic = reinterpret_cast<sockaddr*>(&address);
    REQUIRE(::bind(socket.get(), generic, length) == 0);
    REQUIRE(::getsockname(socket.get(), generic, &length) == 0);
    return socket;
}

/// A name server at ports of the kernel's choice, and what it was asked.
struct Fixture {
    std::unique_ptr<EventLoop> loop = std::move(*EventLoop::create());
    sockaddr_in udp{};
    sockaddr_in tcp{};
    std::vector<protocol::NameQuestion> asked;
    bool takes_questions = true;
    std::unique_ptr<NameServer> server;

    Fixture() {
        NameSockets sockets{loopback_socket(SOCK_DGRAM, udp), loopback_socket(SOCK_STREAM, tcp)};
        REQUIRE(::listen(sockets.listener.get(), 5) == 0);
        auto started = NameServer::start(*loop, std::move(sockets), [this](const auto& question) {
            if (takes_questions)
                asked.push_back(question);
            return takes_questions;
        });
        REQUIRE(started);
        server = std::move(*started);
    }

    FileDescriptor connect(int type) const {
        FileDescriptor socket(::socket(AF_INET, type, 0));
        const auto& address = type == SOCK_STREAM ? tcp : udp;
        REQUIRE(::connect(socket.get(), reinterpret_cast<const sockaddr*>(&address), sizeof(address)) == 0);
        return socket;
    }

    void run() const {
        for (int i = 0; i < 10; ++i)
            REQUIRE(loop->run_once(10));
    }
};

void send_text(const FileDescriptor& socket, const std::string& text) {
    REQUIRE(::send(socket.get(), text.data(), text.size(), MSG_NOSIGNAL) ==
            static_cast<ssize_t>(text.size()));
}

/// "": nothing there, or the end.
std::string received(const FileDescriptor& socket) {
    std::string text(70000, '\0');
    const auto size = ::recv(socket.get(), text.data(), text.size(), MSG_DONTWAIT);
    text.resize(size < 0 ? 0 : static_cast<std::size_t>(size));
    return text;
}

bool has_ended(const FileDescriptor& socket) {
    char byte = 0;
    const auto size = ::recv(socket.get(), &byte, 1, MSG_DONTWAIT);
    return size == 0 || (size < 0 && errno == ECONNRESET);
}

using namespace std::string_literals;

}  // namespace

TEST_CASE("datagrams are passed on, and each client has the answer to its own") {
    Fixture fixture;
    const auto one = fixture.connect(SOCK_DGRAM);
    const auto two = fixture.connect(SOCK_DGRAM);
    send_text(one, "\0one\xff"s);
    fixture.run();
    send_text(two, "two");
    fixture.run();
    REQUIRE(fixture.asked.size() == 2);
    CHECK(fixture.asked[0].message == "\0one\xff"s);
    CHECK_FALSE(fixture.asked[0].tcp);
    fixture.server->answer(fixture.asked[1].number, "for two");
    fixture.server->answer(fixture.asked[0].number, "for one");
    CHECK(received(one) == "for one");
    CHECK(received(two) == "for two");
}

TEST_CASE("over TCP messages have their length before them, one question after the other") {
    Fixture fixture;
    const auto client = fixture.connect(SOCK_STREAM);
    send_text(client, "\0"s);
    fixture.run();
    send_text(client, "\5fir"s);
    fixture.run();
    CHECK(fixture.asked.empty());
    send_text(client, "st\0\6second"s);
    fixture.run();
    REQUIRE(fixture.asked.size() == 1);
    CHECK(fixture.asked[0].tcp);
    CHECK(fixture.asked[0].message == "first");
    fixture.server->answer(fixture.asked[0].number, "yes");
    CHECK(received(client) == "\0\3yes"s);
    fixture.run();
    REQUIRE(fixture.asked.size() == 2);
    CHECK(fixture.asked[1].message == "second");
}

TEST_CASE("the longest message goes both ways") {
    Fixture fixture;
    const auto client = fixture.connect(SOCK_STREAM);
    const std::string longest(65535, 'x');
    send_text(client, "\xff\xff" + longest);
    fixture.run();
    fixture.run();
    REQUIRE(fixture.asked.size() == 1);
    CHECK(fixture.asked[0].message == longest);
}

TEST_CASE("an answer to nothing, or twice, or to a client that has gone, does nothing") {
    Fixture fixture;
    fixture.server->answer(7, "nobody asked");
    auto client = fixture.connect(SOCK_STREAM);
    send_text(client, "\0\1q"s);
    fixture.run();
    REQUIRE(fixture.asked.size() == 1);
    fixture.server->answer(fixture.asked[0].number, "a");
    fixture.server->answer(fixture.asked[0].number, "a");
    CHECK(received(client) == "\0\1a"s);
    send_text(client, "\0\1q"s);
    fixture.run();
    client.reset();
    fixture.run();
    fixture.server->answer(fixture.asked.at(1).number, "a");
}

TEST_CASE("when nobody can be asked a connection ends, and a datagram is lost") {
    Fixture fixture;
    fixture.takes_questions = false;
    const auto stream = fixture.connect(SOCK_STREAM);
    const auto datagrams = fixture.connect(SOCK_DGRAM);
    send_text(stream, "\0\1q"s);
    send_text(datagrams, "q");
    fixture.run();
    CHECK(has_ended(stream));
    CHECK(received(datagrams).empty());
}

TEST_CASE("of more questions and connections than there may be the oldest give way") {
    Fixture fixture;
    const auto first = fixture.connect(SOCK_STREAM);
    fixture.run();
    std::vector<FileDescriptor> others;
    for (std::size_t i = 0; i < NameServer::max_connections; ++i) {
        others.push_back(fixture.connect(SOCK_STREAM));
        fixture.run();
    }
    CHECK(has_ended(first));
    CHECK_FALSE(has_ended(others.front()));
    const auto client = fixture.connect(SOCK_DGRAM);
    while (fixture.asked.size() <= NameServer::max_questions) {
        send_text(client, "q");
        REQUIRE(fixture.loop->run_once(100));
    }
    fixture.server->answer(fixture.asked.front().number, "too late");
    CHECK(received(client).empty());
    fixture.server->answer(fixture.asked.back().number, "in time");
    CHECK(received(client) == "in time");
}
