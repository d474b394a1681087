#include "vmm/base/event_fd.h"

#include <doctest/doctest.h>

using namespace nacre;

TEST_CASE("draining an eventfd that nobody signalled gives zero and does not block") {
    const auto event = EventFd::create().value();
    CHECK(event.drain() == 0);
}

TEST_CASE("signals add up until they are drained") {
    const auto event = EventFd::create().value();
    event.signal();
    event.signal();
    CHECK(event.drain() == 2);
    CHECK(event.drain() == 0);
}
