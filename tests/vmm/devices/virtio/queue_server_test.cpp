#include "vmm/devices/virtio/queue_server.h"

#include <doctest/doctest.h>

#include <future>
#include <thread>

#include "tests/vmm/devices/virtio/fake_driver.h"

using namespace nacre::virtio;

namespace {

struct Fixture {
    Fixture() { REQUIRE(server.start(ActiveQueue{queue(), &kick}, interrupt)); }

    Queue queue() const {
        return Queue::create(guest.memory(), ring.layout(), ring.layout().size, false, false).value();
    }
    void kick_and_run() {
        kick.signal();
        REQUIRE(loop->run_once(0));
    }
    // True if one more turn of the loop finds the kick signalled.
    bool has_more_to_do() const { return kick.drain() != 0; }

    fake::FakeGuest guest;
    fake::FakeRing ring{guest, 64};
    fake::FakeInterrupt interrupt;
    nacre::EventFd kick = nacre::EventFd::create().value();
    std::unique_ptr<nacre::EventLoop> loop = nacre::EventLoop::create().value();
    nacre::Log log{-1, nacre::LogLevel::error, 0};
    unsigned served = 0;
    std::uint32_t answer = 1;
    QueueServer server{*loop, log, "test", [this](const DescriptorChain&) {
                           ++served;
                           return answer;
                       }};
};

}  // namespace

TEST_CASE_FIXTURE(Fixture, "a malformed chain stops the queue and asks for a reset, once") {
    ring.chain().writable(1).publish();
    ring.publish_head(999);
    ring.chain().writable(1).publish();
    kick_and_run();
    kick_and_run();
    CHECK(served == 1);
    CHECK(interrupt.needs_reset == 1);
    CHECK(ring.used_index() == 1);
}

TEST_CASE_FIXTURE(Fixture, "after a malformed chain the server can be started again") {
    ring.publish_head(999);
    kick_and_run();
    server.stop();
    ring.clear();
    REQUIRE(server.start(ActiveQueue{queue(), &kick}, interrupt));
    ring.chain().writable(1).publish();
    kick_and_run();
    CHECK(ring.collect_used().size() == 1);
}

TEST_CASE_FIXTURE(Fixture, "an answer longer than the chain is our own error, and reaches no driver") {
    answer = 2;
    ring.chain().writable(1).publish();
    kick_and_run();
    CHECK(ring.used_index() == 0);
    CHECK(interrupt.needs_reset == 1);
}

TEST_CASE_FIXTURE(Fixture, "a full queue is served in turns, so that the loop is not held up") {
    for (unsigned i = 0; i < QueueServer::max_chains_per_event * 2 + 1; ++i)
        ring.chain().writable(1).publish();
    kick_and_run();
    CHECK(served == QueueServer::max_chains_per_event);
    REQUIRE(loop->run_once(0));
    CHECK(served == QueueServer::max_chains_per_event * 2);
    REQUIRE(loop->run_once(0));
    CHECK(served == QueueServer::max_chains_per_event * 2 + 1);
    CHECK_FALSE(has_more_to_do());
    CHECK(interrupt.used_buffer == 3);
}

TEST_CASE_FIXTURE(Fixture, "a kick without a chain does nothing") {
    kick_and_run();
    CHECK(served == 0);
    CHECK(interrupt.used_buffer == 0);
    CHECK(interrupt.needs_reset == 0);
}

TEST_CASE_FIXTURE(Fixture, "a stopped server leaves the queue alone, and may be stopped twice") {
    server.stop();
    server.stop();
    ring.chain().writable(1).publish();
    kick_and_run();
    CHECK(served == 0);
}

TEST_CASE_FIXTURE(Fixture, "chains are answered in order, with one interrupt") {
    const auto first = ring.chain().writable(1).publish();
    const auto second = ring.chain().writable(1).publish();
    kick_and_run();
    const auto used = ring.collect_used();
    REQUIRE(used.size() == 2);
    CHECK(used[0].head == first);
    CHECK(used[1].head == second);
    CHECK(interrupt.used_buffer == 1);
    ring.chain().writable(1).publish();
    CHECK(ring.wants_kick(false));
}

TEST_CASE("a driver on another thread that kicks only when asked to loses no chain") {
    bool event_index = false;
    SUBCASE("with event index") {
        event_index = true;
    }
    SUBCASE("with flags") {}

    fake::FakeGuest guest;
    fake::FakeRing ring(guest, 8);
    fake::FakeInterrupt interrupt;
    const auto kick = nacre::EventFd::create().value();
    const auto loop = nacre::EventLoop::create().value();
    nacre::Log log(-1, nacre::LogLevel::error, 0);
    QueueServer server(*loop, log, "test", [](const DescriptorChain& chain) {
        const auto byte = std::as_bytes(std::span("x", 1));
        return static_cast<std::uint32_t>(copy_to_iovecs(chain.writable, 0, byte));
    });
    std::promise<void> running;
    loop->post([&] { running.set_value(); });
    std::thread runner([&] { CHECK(loop->run()); });
    running.get_future().wait();

    auto queue = Queue::create(guest.memory(), ring.layout(), 8, event_index, false).value();
    REQUIRE(server.start(ActiveQueue{std::move(queue), &kick}, interrupt));
    constexpr std::size_t chains = 20000;
    std::size_t published = 0;
    std::size_t collected = 0;
    // Ends only when every chain comes back; a lost kick is a test that never ends.
    while (collected < chains) {
        if (published < chains && published - collected < 8) {
            ring.chain().writable(1).publish();
            ++published;
            if (ring.wants_kick(event_index))
                kick.signal();
        }
        for (const auto& used : ring.collect_used()) {
            REQUIRE(used.bytes == "x");
            ++collected;
        }
    }
    CHECK(interrupt.needs_reset == 0);
    server.stop();
    loop->stop();
    runner.join();
}
