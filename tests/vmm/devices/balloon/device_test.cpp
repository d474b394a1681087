#include "vmm/devices/balloon/device.h"

#include <doctest/doctest.h>

#include <array>

#include "tests/vmm/devices/virtio/fake_driver.h"

using namespace nacre;
using virtio::fake::FakeDriver;
using virtio::fake::FakeGuest;

namespace {

constexpr std::size_t inflate_queue = 0;
constexpr std::size_t deflate_queue = 1;
constexpr std::size_t reporting_queue = 2;
constexpr std::uint32_t page = 4096;
constexpr GuestAddress place = 0x400000;

struct Fixture {
    std::unique_ptr<EventLoop> loop = EventLoop::create().value();
    Log log{-1, LogLevel::error, 0};
    balloon::Device device{*loop, log};
    FakeDriver driver{device};

    std::vector<virtio::fake::UsedBuffer> serve(std::size_t queue) {
        driver.kick(queue);
        REQUIRE(loop->run_once(0));
        return driver.ring(queue).collect_used();
    }

    /// Reports [address, + bytes) as free.
    std::vector<virtio::fake::UsedBuffer> report(GuestAddress address, std::uint32_t bytes) {
        driver.ring(reporting_queue).chain().raw(address, bytes, virtio::fake::flag_write).publish();
        return serve(reporting_queue);
    }

    void fill(GuestAddress address, std::size_t bytes) {
        driver.guest().write(address, std::string(bytes, 'x'));
    }
    std::string at(GuestAddress address) { return driver.guest().read(address, 1); }
};

const std::string kept_byte = "x";
const std::string zero(1, '\0');

}  // namespace

TEST_CASE_FIXTURE(Fixture, "a report of what is not RAM asks for a reset; after it the device works") {
    REQUIRE(driver.activate());
    CHECK(report(FakeGuest::in_hole, page).empty());
    CHECK(driver.interrupt().needs_reset == 1);
    driver.reset();
    REQUIRE(driver.activate());
    CHECK(report(place, page).size() == 1);
}

TEST_CASE_FIXTURE(Fixture, "a report past the end of RAM gives nothing back") {
    REQUIRE(driver.activate());
    fill(FakeGuest::low_end - page, page);
    CHECK(report(FakeGuest::low_end - page, 2 * page).empty());
    CHECK(driver.interrupt().needs_reset == 1);
    CHECK(at(FakeGuest::low_end - page) == kept_byte);
}

TEST_CASE_FIXTURE(Fixture, "pages that a range has in part stay") {
    REQUIRE(driver.activate());
    fill(place, 4 * page);
    CHECK(report(place + 1, 3 * page).size() == 1);
    CHECK(at(place) == kept_byte);
    CHECK(at(place + page) == zero);
    CHECK(at(place + 2 * page) == zero);
    CHECK(at(place + 3 * page) == kept_byte);
    CHECK(report(place + 3 * page + 8, 16).size() == 1);
    CHECK(at(place + 3 * page) == kept_byte);
}

TEST_CASE_FIXTURE(Fixture, "readable buffers are no free pages") {
    REQUIRE(driver.activate());
    fill(place, page);
    driver.ring(reporting_queue).chain().raw(place, page).publish();
    CHECK(serve(reporting_queue).size() == 1);
    CHECK(at(place) == kept_byte);
}

TEST_CASE_FIXTURE(Fixture, "what was mapped from a file stays") {
    device.keep(driver.guest().memory().slice(place + page, page).value());
    REQUIRE(driver.activate());
    fill(place, 3 * page);
    CHECK(report(place, 3 * page).size() == 1);
    CHECK(at(place + page) == kept_byte);
    CHECK(report(place, page).size() == 1);
    CHECK(report(place + 2 * page, page).size() == 1);
    CHECK(at(place) == zero);
    CHECK(at(place + page) == kept_byte);
    CHECK(at(place + 2 * page) == zero);
}

TEST_CASE_FIXTURE(Fixture, "a report is answered for a bounded number of bytes") {
    REQUIRE(driver.activate());
    fill(place, page);
    auto chain = driver.ring(reporting_queue).chain();
    constexpr std::uint32_t whole = FakeGuest::low_end / 2;
    for (std::uint64_t bytes = 0; bytes < balloon::Device::max_bytes_per_report; bytes += whole)
        chain.raw(FakeGuest::low_end / 2, whole, virtio::fake::flag_write);
    chain.raw(place, page, virtio::fake::flag_write).publish();
    CHECK(serve(reporting_queue).size() == 1);
    CHECK(at(place) == kept_byte);
}

TEST_CASE_FIXTURE(Fixture, "every range of a report is given back, and nothing is written") {
    REQUIRE(driver.activate());
    fill(place, 4 * page);
    driver.ring(reporting_queue)
        .chain()
        .raw(place, page, virtio::fake::flag_write)
        .raw(place + 2 * page, 2 * page, virtio::fake::flag_write)
        .publish();
    const auto used = serve(reporting_queue);
    REQUIRE(used.size() == 1);
    CHECK(used[0].written == 0);
    CHECK(at(place) == zero);
    CHECK(at(place + page) == kept_byte);
    CHECK(at(place + 2 * page) == zero);
    CHECK(at(place + 3 * page) == zero);
    CHECK(driver.interrupt().used_buffer == 1);
}

TEST_CASE_FIXTURE(Fixture, "what a driver puts into the balloon, or takes out, is acknowledged and stays") {
    REQUIRE(driver.activate());
    fill(place, page);
    const std::string frame_numbers("\x00\x04\x00\x00", 4);  // place / 4096
    for (const auto queue : {inflate_queue, deflate_queue}) {
        driver.ring(queue).chain().readable(frame_numbers).publish();
        CHECK(serve(queue).size() == 1);
    }
    CHECK(at(place) == kept_byte);
}

TEST_CASE_FIXTURE(Fixture, "a driver without the reporting queue is served") {
    driver.disable_queue(reporting_queue);
    REQUIRE(driver.activate());
    driver.ring(inflate_queue).chain().readable("1234").publish();
    CHECK(serve(inflate_queue).size() == 1);
}

TEST_CASE_FIXTURE(Fixture, "the device says what it is: a balloon that wants no page, with page reporting") {
    CHECK(device.type() == 5);
    CHECK(device.features() == 1U << 5);
    CHECK(device.queue_sizes().size() == 3);
    std::array<std::byte, 8> config{};
    device.read_config(0, config);
    CHECK(config == std::array<std::byte, 8>{});
}
