#include "vmm/control/server.h"

#include <doctest/doctest.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "vmm/control/packet.h"

using namespace nacre;
using namespace nacre::control;

namespace {

/// A server on an abstract socket, which answers with the slot it was asked about and counts descriptors.
struct Fixture {
    Fixture() {
        auto made = EventLoop::create();
        REQUIRE(made);
        loop = std::move(*made);
        FileDescriptor listener(::socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
        // Autobind (unix(7)): the kernel picks an abstract name.
        sockaddr_un any{};
        any.sun_family = AF_UNIX;
        REQUIRE(::bind(listener.get(), reinterpret_cast<const sockaddr*>(&any), sizeof any.sun_family) == 0);
        REQUIRE(::listen(listener.get(), 64) == 0);
        length = sizeof address;
        REQUIRE(::getsockname(listener.get(), reinterpret_cast<sockaddr*>(&address), &length) == 0);
        auto created = Server::create(*loop, std::move(listener), [this](Request request) -> Reply {
            descriptors += request.descriptors.size();
            return Attached{std::get<DetachDevice>(request.message).slot};
        });
        REQUIRE(created);
        server = std::move(*created);
    }

    FileDescriptor connect() const {
        FileDescriptor client(::socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0));
        REQUIRE(::connect(client.get(), reinterpret_cast<const sockaddr*>(&address), length) == 0);
        return client;
    }

    void turn() {
        for (int i = 0; i < 64; ++i)
            REQUIRE(loop->run_once(0));
    }

    /// Without waiting.
    static Result<Reply> reply_on(const FileDescriptor& client) {
        NACRE_ASSIGN(const auto packet, receive_packet(client.get(), MSG_DONTWAIT));
        return decode_reply(packet.text);
    }

    std::unique_ptr<EventLoop> loop;
    std::unique_ptr<Server> server;
    sockaddr_un address{};
    socklen_t length = 0;
    std::size_t descriptors = 0;
};

}  // namespace

TEST_CASE_FIXTURE(Fixture, "what is no request is answered by Failed, and the connection goes on") {
    const auto client = connect();
    REQUIRE(send_packet(client.get(), "nonsense", {}, 0));
    turn();
    const auto refused = reply_on(client);
    REQUIRE(refused);
    CHECK(std::holds_alternative<Failed>(*refused));
    REQUIRE(send_packet(client.get(), encode(RequestMessage{DetachDevice{9}}), {}, 0));
    turn();
    CHECK(std::get<Attached>(*reply_on(client)).slot == 9);
}

TEST_CASE_FIXTURE(Fixture, "a request brings its descriptors") {
    const auto client = connect();
    REQUIRE(
        send_packet(client.get(), encode(RequestMessage{DetachDevice{1}}), {client.get(), client.get()}, 0));
    turn();
    CHECK(reply_on(client));
    CHECK(descriptors == 2);
}

TEST_CASE_FIXTURE(Fixture, "a client that does not read its replies is dropped") {
    const auto client = connect();
    const auto request = encode(RequestMessage{DetachDevice{1}});
    bool dropped = false;
    for (int i = 0; i < 10'000 && !dropped; ++i) {
        dropped = !send_packet(client.get(), request, {}, MSG_DONTWAIT);
        REQUIRE(loop->run_once(0));
    }
    CHECK(dropped);
}

TEST_CASE_FIXTURE(Fixture, "beyond the limit clients wait until another one has gone") {
    std::vector<FileDescriptor> clients;
    for (std::size_t i = 0; i < Server::max_connections; ++i)
        clients.push_back(connect());
    turn();
    const auto waiting = connect();
    REQUIRE(send_packet(waiting.get(), encode(RequestMessage{DetachDevice{3}}), {}, 0));
    turn();
    CHECK(reply_on(waiting).error().code == EAGAIN);
    clients.pop_back();
    turn();
    CHECK(reply_on(waiting));
}
