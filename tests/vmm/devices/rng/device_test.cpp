#include "vmm/devices/rng/device.h"

#include <doctest/doctest.h>

#include <algorithm>

#include "tests/vmm/devices/virtio/fake_driver.h"

using namespace nacre;
using virtio::fake::FakeDriver;
using virtio::fake::FakeGuest;

namespace {

struct Fixture {
    std::unique_ptr<EventLoop> loop = EventLoop::create().value();
    Log log{-1, LogLevel::error, 0};
    rng::Device device{*loop, log};
    FakeDriver driver{device};

    std::vector<virtio::fake::UsedBuffer> serve() {
        driver.kick(0);
        REQUIRE(loop->run_once(0));
        return driver.ring(0).collect_used();
    }
};

}  // namespace

TEST_CASE_FIXTURE(Fixture, "without its queue the device does not start") {
    driver.disable_queue(0);
    CHECK_FALSE(driver.activate());
}

TEST_CASE_FIXTURE(Fixture, "a malformed request asks for a reset; after it the device works") {
    REQUIRE(driver.activate());
    driver.ring(0).chain().raw(FakeGuest::in_hole, 64, virtio::fake::flag_write).publish();
    CHECK(serve().empty());
    CHECK(driver.interrupt().needs_reset == 1);
    driver.reset();
    REQUIRE(driver.activate());
    driver.ring(0).chain().writable(8).publish();
    CHECK(serve().size() == 1);
}

TEST_CASE_FIXTURE(Fixture, "a request without a writable buffer is given back empty") {
    REQUIRE(driver.activate());
    driver.ring(0).chain().readable("secret").publish();
    const auto used = serve();
    REQUIRE(used.size() == 1);
    CHECK(used[0].written == 0);
    CHECK(driver.interrupt().needs_reset == 0);
}

TEST_CASE_FIXTURE(Fixture, "a huge request gets a bounded answer") {
    REQUIRE(driver.activate());
    driver.ring(0).chain().raw(0x800000, 0x800000, virtio::fake::flag_write).publish();
    const auto used = serve();
    REQUIRE(used.size() == 1);
    CHECK(used[0].written == rng::Device::max_bytes_per_request);
    CHECK(driver.guest().read(0x800000 + rng::Device::max_bytes_per_request, 64) == std::string(64, '\0'));
}

TEST_CASE_FIXTURE(Fixture, "a reset in the middle of a request leaves the queue alone") {
    REQUIRE(driver.activate());
    driver.ring(0).chain().writable(8).publish();
    driver.kick(0);
    driver.reset();
    REQUIRE(loop->run_once(0));
    CHECK(driver.ring(0).used_index() == 0);
}

TEST_CASE_FIXTURE(Fixture, "a request is filled with random bytes, across its buffers") {
    REQUIRE(driver.activate());
    driver.ring(0).chain().writable(64).writable(64).publish();
    driver.ring(0).chain().writable(128).publish();
    const auto used = serve();
    REQUIRE(used.size() == 2);
    for (const auto& buffer : used) {
        CHECK(buffer.written == 128);
        // 64 times the byte that stood there before would be a chance of less than 2^-300.
        CHECK(std::ranges::count(buffer.bytes, '\xee') < 64);
    }
    CHECK(used[0].bytes != used[1].bytes);
    CHECK(driver.interrupt().used_buffer == 1);
}

TEST_CASE_FIXTURE(Fixture, "the device says what it is and has no configuration") {
    CHECK(device.type() == 4);
    CHECK(device.features() == 0);
    CHECK(device.queue_sizes().size() == 1);
    CHECK(device.shared_memory().empty());
}
