#include "runtime/vm/agent_connection.h"

#include <doctest/doctest.h>
#include <sys/socket.h>

#include <array>

#include "vmm/base/file.h"

using namespace nacre;
using runtime::AgentConnection;

namespace {

/// A connection to an agent that has said all that it will say.
AgentConnection connection_to(std::string_view sent) {
    std::array<int, 2> ends{};
    REQUIRE(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends.data()) == 0);
    const FileDescriptor agent(ends[1]);
    AgentConnection connection((FileDescriptor(ends[0])));
    // Before the answer is sent, as the agent's end is closed then.
    REQUIRE(write_all(agent.get(), std::string(sent)));
    REQUIRE(::shutdown(agent.get(), SHUT_WR) == 0);
    return connection;
}

std::string framed(const protocol::Message& message) {
    return protocol::frame(protocol::encode(message)).value();
}

}  // namespace

TEST_CASE("a hostile agent's words are one line that steers no terminal") {
    auto connection = connection_to(framed(protocol::Failed{2, "no\nlevel=info msg=\x1b[2J" + std::string(100'000, 'x')}));
    const auto answer = connection.receive(1000);
    REQUIRE(answer);
    const auto& message = std::get<protocol::Failed>(*answer).message;
    CHECK(message.starts_with("no?level=info msg=?[2Jxxx"));
    CHECK(message.size() <= 4096);
}

TEST_CASE("nor do the names of its processes") {
    protocol::GuestProcess process;
    process.state = process.terminal = process.name = process.command = "a\x1b]0;b\x07";
    auto connection = connection_to(framed(protocol::Processes{{process}, 0}));
    const auto answer = connection.receive(1000);
    REQUIRE(answer);
    const auto& shown = std::get<protocol::Processes>(*answer).processes.at(0);
    for (const auto& text : {shown.state, shown.terminal, shown.name, shown.command})
        CHECK(text == "a?]0;b?");
}

TEST_CASE("nor the name of a message that does not exist") {
    auto connection = connection_to(protocol::frame(R"({"type":"\u001b[2J"})").value());
    const auto answer = connection.receive(1000);
    REQUIRE_FALSE(answer);
    CHECK(answer.error().message == "message of unknown type \"?[2J\"");
}
