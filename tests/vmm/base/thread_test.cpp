#include "vmm/base/thread.h"

#include <doctest/doctest.h>
#include <signal.h>

#include <atomic>
#include <chrono>
#include <future>
#include <memory>
#include <string>

using nacre::Thread;

TEST_CASE("a thread runs its body under its name, with signals blocked, and is joined") {
    std::atomic<bool> ran = false;
    std::string name;
    sigset_t mask;
    {
        const auto thread = Thread::start("a-name-that-is-far-too-long", 256 * 1024, [&] {
            char text[16];
            pthread_getname_np(pthread_self(), text, sizeof text);
            name = text;
            pthread_sigmask(SIG_SETMASK, nullptr, &mask);
            ran = true;
        });
        REQUIRE(thread);
    }
    CHECK(ran);
    CHECK(name == "a-name-that-is-");
    CHECK(sigismember(&mask, SIGTERM) == 1);
    CHECK(sigismember(&mask, SIGXFSZ) == 1);
}

TEST_CASE("a detached thread goes on after its owner") {
    const auto owner_gone = std::make_shared<std::promise<void>>();
    const auto ran = std::make_shared<std::promise<void>>();
    {
        auto thread = Thread::start("t", 256 * 1024, [=] {
            owner_gone->get_future().wait();
            ran->set_value();
        });
        REQUIRE(thread);
        thread->detach();
    }
    owner_gone->set_value();
    CHECK(ran->get_future().wait_for(std::chrono::seconds(20)) == std::future_status::ready);
}

TEST_CASE("what its body owns may be movable only, and is gone when it has been joined") {
    std::string text;
    auto thread = Thread::start("t", 256 * 1024,
                                [&text, owned = std::make_unique<std::string>("owned")] { text = *owned; });
    REQUIRE(thread);
    thread->join();
    CHECK(text == "owned");
}

TEST_CASE("the creator's own signals are as before") {
    REQUIRE(Thread::start("t", 256 * 1024, [] {}));
    sigset_t mask;
    pthread_sigmask(SIG_SETMASK, nullptr, &mask);
    CHECK(sigismember(&mask, SIGTERM) == 0);
}

TEST_CASE("a stack that is no stack is an error") {
    CHECK_FALSE(Thread::start("t", 1, [] {}));
}
