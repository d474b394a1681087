#include "vmm/base/event_loop.h"

#include <doctest/doctest.h>

#include <future>
#include <thread>

using namespace nacre;

TEST_CASE("watching a descriptor that is not open is an error") {
    auto loop = EventLoop::create().value();
    CHECK_FALSE(loop->add(-1, EPOLLIN, [](std::uint32_t) {}).has_value());
    CHECK_FALSE(loop->modify(0, EPOLLIN).has_value());
    loop->remove(12345);
}

TEST_CASE("a handler is called for its descriptor until it is removed") {
    auto loop = EventLoop::create().value();
    const auto event = EventFd::create().value();
    int calls = 0;
    REQUIRE(loop->add(event.fd(), EPOLLIN, [&](std::uint32_t) {
        ++calls;
        event.drain();
    }));
    event.signal();
    REQUIRE(loop->run_once(0));
    REQUIRE(loop->run_once(0));
    CHECK(calls == 1);
    loop->remove(event.fd());
    event.signal();
    REQUIRE(loop->run_once(0));
    CHECK(calls == 1);
}

TEST_CASE("a handler may remove itself and another whose event was fetched already") {
    auto loop = EventLoop::create().value();
    const auto first = EventFd::create().value();
    const auto second = EventFd::create().value();
    int calls = 0;
    const auto handler = [&](std::uint32_t) {
        ++calls;
        loop->remove(first.fd());
        loop->remove(second.fd());
    };
    REQUIRE(loop->add(first.fd(), EPOLLIN, handler));
    REQUIRE(loop->add(second.fd(), EPOLLIN, handler));
    first.signal();
    second.signal();
    REQUIRE(loop->run_once(0));
    CHECK(calls == 1);
}

TEST_CASE("a descriptor number that was closed and opened again gets no event of its former life") {
    auto loop = EventLoop::create().value();
    auto first = std::make_unique<EventFd>(EventFd::create().value());
    const int number = first->fd();
    REQUIRE(loop->add(number, EPOLLIN, [](std::uint32_t) { FAIL("handler of a removed descriptor"); }));
    first->signal();
    loop->remove(number);
    first.reset();
    const auto second = EventFd::create().value();
    int calls = 0;
    REQUIRE(loop->add(second.fd(), EPOLLIN, [&](std::uint32_t) { ++calls; }));
    second.signal();
    REQUIRE(loop->run_once(0));
    CHECK(calls == 1);
}

TEST_CASE("posted tasks run in order on the loop's thread, and stop() ends run()") {
    auto loop = EventLoop::create().value();
    std::vector<int> order;
    std::thread::id task_thread;
    std::thread runner([&] { CHECK(loop->run().has_value()); });
    const auto runner_id = runner.get_id();
    std::promise<void> running;
    loop->post([&] {
        order.push_back(1);
        running.set_value();
    });
    running.get_future().wait();
    loop->run_in_loop([&] {
        order.push_back(2);
        task_thread = std::this_thread::get_id();
    });
    CHECK(order == std::vector<int>{1, 2});
    CHECK(task_thread == runner_id);
    loop->stop();
    runner.join();
}

TEST_CASE("a task for later runs once, in time, and does not keep events waiting") {
    using namespace std::chrono_literals;
    auto loop = EventLoop::create().value();
    const auto begin = EventLoop::Clock::now();
    int early = 0;
    int late = 0;
    loop->run_at(begin + 1h, [&] { ++late; });
    loop->run_at(begin + 20ms, [&] { ++early; });
    REQUIRE(loop->run_once(0));
    while (early == 0 && EventLoop::Clock::now() < begin + 30s)
        REQUIRE(loop->run_once(-1));
    CHECK(EventLoop::Clock::now() - begin >= 20ms);
    loop->run_at(begin, [&] { ++early; });
    REQUIRE(loop->run_once(-1));
    CHECK(early == 2);
    CHECK(late == 0);
}
