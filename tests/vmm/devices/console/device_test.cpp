#include "vmm/devices/console/device.h"

#include <doctest/doctest.h>
#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

#include "tests/vmm/devices/virtio/fake_driver.h"
#include "vmm/base/file.h"

using namespace nacre;
using virtio::fake::FakeDriver;
using virtio::fake::FakeGuest;

namespace {

constexpr std::size_t receive = 0;
constexpr std::size_t transmit = 1;

struct Fixture {
    std::unique_ptr<EventLoop> loop = EventLoop::create().value();
    Log log{-1, LogLevel::error, 0};
    FileDescriptor file{::memfd_create("console", MFD_CLOEXEC)};
    std::unique_ptr<console::Device> device =
        console::Device::create(*loop, log, file.duplicate().value()).value();
    FakeDriver driver{*device};

    std::vector<virtio::fake::UsedBuffer> serve() {
        driver.kick(transmit);
        REQUIRE(loop->run_once(0));
        return driver.ring(transmit).collect_used();
    }
    std::string content() const {
        ::lseek(file.get(), 0, SEEK_SET);
        return read_to_end(file.get(), 1U << 20).value();
    }
};

}  // namespace

TEST_CASE_FIXTURE(Fixture, "without its transmit queue the device does not start") {
    driver.disable_queue(transmit);
    CHECK_FALSE(driver.activate());
}

TEST_CASE_FIXTURE(Fixture, "malformed output asks for a reset; after it the console works") {
    REQUIRE(driver.activate());
    driver.ring(transmit).chain().readable("good").publish();
    driver.ring(transmit).chain().raw(FakeGuest::low_end - 1, 2).publish();
    CHECK(serve().size() == 1);
    CHECK(driver.interrupt().needs_reset == 1);
    driver.reset();
    REQUIRE(driver.activate());
    driver.ring(transmit).chain().readable(", again").publish();
    CHECK(serve().size() == 1);
    CHECK(content() == "good, again");
}

TEST_CASE_FIXTURE(Fixture, "a writable buffer in the transmit queue is given back unwritten") {
    REQUIRE(driver.activate());
    driver.ring(transmit).chain().writable(16).publish();
    const auto used = serve();
    REQUIRE(used.size() == 1);
    CHECK(used[0].written == 0);
    CHECK(content().empty());
}

TEST_CASE_FIXTURE(Fixture, "of a huge chain a bounded part is taken") {
    REQUIRE(driver.activate());
    driver.ring(transmit).chain().readable("begin").raw(0x800000, 0x800000).publish();
    CHECK(serve().size() == 1);
    CHECK(content().size() == console::Device::max_bytes_per_chain);
    CHECK(content().starts_with("begin"));
}

TEST_CASE_FIXTURE(Fixture, "output that cannot be stored is dropped, and the guest goes on") {
    auto full = console::Device::create(*loop, log, open_file("/proc/self/exe", O_RDONLY).value()).value();
    FakeDriver other(*full);
    REQUIRE(other.activate());
    for (unsigned i = 0; i < 3; ++i) {
        other.ring(transmit).chain().readable("lost").publish();
        other.kick(transmit);
        REQUIRE(loop->run_once(0));
    }
    CHECK(other.ring(transmit).collect_used().size() == 3);
    CHECK(other.interrupt().needs_reset == 0);
}

TEST_CASE_FIXTURE(Fixture, "buffers in the receive queue stay with the device, malformed or not") {
    REQUIRE(driver.activate());
    driver.ring(receive).chain().writable(64).publish();
    driver.ring(receive).publish_head(0xffff);
    driver.kick(receive);
    REQUIRE(loop->run_once(0));
    CHECK(driver.ring(receive).collect_used().empty());
    CHECK(driver.interrupt().needs_reset == 0);
}

TEST_CASE("a console needs a regular file") {
    const auto loop = EventLoop::create().value();
    Log log(-1, LogLevel::error, 0);
    CHECK_FALSE(console::Device::create(*loop, log, FileDescriptor()));
}

TEST_CASE_FIXTURE(Fixture, "output is written in order, whatever buffers it comes in") {
    REQUIRE(driver.activate());
    driver.ring(transmit).chain().readable("Kernel ").readable("panic").publish();
    driver.ring(transmit).chain().readable(" - not syncing\n").publish();
    const auto used = serve();
    CHECK(used.size() == 2);
    CHECK(content() == "Kernel panic - not syncing\n");
    CHECK(driver.interrupt().used_buffer == 1);
}

TEST_CASE_FIXTURE(Fixture, "the device says what it is") {
    CHECK(device->type() == 3);
    CHECK(device->features() == 0);
    CHECK(device->queue_sizes().size() == 2);
}
