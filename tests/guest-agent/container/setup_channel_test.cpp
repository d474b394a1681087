#include "guest-agent/container/setup_channel.h"

#include <doctest/doctest.h>
#include <fcntl.h>
#include <unistd.h>

#include "vmm/base/file.h"

using namespace nacre;
using namespace nacre::agent;
using Kind = SetupReport::Kind;

TEST_CASE("nothing reported, nothing received") {
    auto [parent, child] = make_setup_channel().value();
    CHECK_FALSE(parent.receive());
}

TEST_CASE("a process that dies closes its end") {
    auto channel = make_setup_channel().value();
    { const SetupChild ended = std::move(channel.second); }
    CHECK(channel.first.receive()->kind == Kind::gone);
    CHECK_FALSE(channel.first.start());
}

TEST_CASE("a failure arrives with errno and message, the longest cut") {
    auto [parent, child] = make_setup_channel().value();
    child.failed(Error{"mount /x: no", ENOENT});
    child.failed(Error{std::string(100'000, 'x'), 1});
    const auto first = parent.receive();
    REQUIRE(first);
    CHECK(first->kind == Kind::failed);
    CHECK(first->error.message == "mount /x: no");
    CHECK(first->error.code == ENOENT);
    const auto second = parent.receive();
    REQUIRE(second);
    CHECK(second->error.message.size() > 4000);
    CHECK(second->error.message.size() < 4096);
}

TEST_CASE("created, started") {
    auto [parent, child] = make_setup_channel().value();
    REQUIRE(child.created());
    CHECK(parent.receive()->kind == Kind::created);
    REQUIRE(parent.start());
    CHECK(child.wait_for_start());
}

TEST_CASE("an agent that is gone starts nothing") {
    auto channel = make_setup_channel().value();
    { const SetupParent ended = std::move(channel.first); }
    CHECK_FALSE(channel.second.wait_for_start());
}

TEST_CASE("the terminal's descriptor comes along") {
    auto [parent, child] = make_setup_channel().value();
    const auto file = open_file("/dev/null", O_RDONLY).value();
    REQUIRE(child.send_console(file.get()));
    const auto report = parent.receive();
    REQUIRE(report);
    CHECK(report->kind == Kind::console);
    REQUIRE(report->console);
    CHECK((::fcntl(report->console.get(), F_GETFD) & FD_CLOEXEC) != 0);
}
