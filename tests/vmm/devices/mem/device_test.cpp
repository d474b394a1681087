#include "vmm/devices/mem/device.h"

#include <doctest/doctest.h>
#include <linux/virtio_mem.h>

#include <array>
#include <cstring>

#include "tests/vmm/devices/virtio/fake_driver.h"

using namespace nacre;
using mem::Blocks;
using mem::Device;
using virtio::fake::FakeDriver;
using virtio::fake::FakeGuest;

namespace {

constexpr GuestAddress start = std::uint64_t{8} << 30;
constexpr std::uint64_t step = Device::usable_step;

template <class T>
std::string bytes_of(const T& object) {
    std::string bytes(sizeof object, '\0');
    std::memcpy(bytes.data(), &object, sizeof object);
    return bytes;
}

struct Fixture {
    std::unique_ptr<EventLoop> loop = EventLoop::create().value();
    Log log{-1, LogLevel::error, 0};
    MemoryMapping memory = MemoryMapping::anonymous(2 * step).value();
    std::vector<std::uint64_t> made_usable;
    bool refuse = false;
    Device device{*loop,
                  {start, memory.bytes(),
                   [this](std::uint64_t bytes) -> Result<void> {
                       made_usable.push_back(bytes);
                       return refuse ? fail("no memory slot") : Result<void>();
                   }},
                  log};
    FakeDriver driver{device};

    virtio_mem_config config() const {
        virtio_mem_config config{};
        device.read_config(0, std::as_writable_bytes(std::span(&config, 1)));
        return config;
    }

    std::vector<virtio::fake::UsedBuffer> serve() {
        driver.kick(0);
        REQUIRE(loop->run_once(0));
        return driver.ring(0).collect_used();
    }

    virtio_mem_resp ask(std::uint16_t type, GuestAddress address, std::uint16_t blocks) {
        virtio_mem_req request{};
        request.type = type;
        request.u.plug.addr = address;
        request.u.plug.nb_blocks = blocks;
        driver.ring(0).chain().readable(bytes_of(request)).writable(sizeof(virtio_mem_resp)).publish();
        const auto used = serve();
        REQUIRE(used.size() == 1);
        REQUIRE(used[0].written == sizeof(virtio_mem_resp));
        virtio_mem_resp response{};
        std::memcpy(&response, used[0].bytes.data(), sizeof response);
        return response;
    }

    unsigned type_of_answer(std::uint16_t type, GuestAddress address, std::uint16_t blocks) {
        return ask(type, address, blocks).type;
    }

    unsigned state_of(GuestAddress address, std::uint16_t blocks) {
        const auto response = ask(VIRTIO_MEM_REQ_STATE, address, blocks);
        REQUIRE(response.type == VIRTIO_MEM_RESP_ACK);
        return response.u.state.state;
    }
};

}  // namespace

TEST_CASE_FIXTURE(Fixture, "without its queue the device does not start") {
    driver.disable_queue(0);
    CHECK_FALSE(driver.activate());
}

TEST_CASE_FIXTURE(Fixture, "a malformed chain asks for a reset; after it the device works") {
    REQUIRE(driver.activate());
    driver.ring(0).chain().raw(FakeGuest::in_hole, 24).writable(10).publish();
    CHECK(serve().empty());
    CHECK(driver.interrupt().needs_reset == 1);
    driver.reset();
    REQUIRE(driver.activate());
    CHECK(type_of_answer(VIRTIO_MEM_REQ_UNPLUG_ALL, 0, 0) == VIRTIO_MEM_RESP_ACK);
}

TEST_CASE_FIXTURE(
    Fixture, "a request that is cut short or unknown is an error, one without room for the answer has none") {
    REQUIRE(device.resize(step));
    REQUIRE(driver.activate());
    driver.ring(0).chain().readable("short").writable(sizeof(virtio_mem_resp)).publish();
    driver.ring(0).chain().writable(sizeof(virtio_mem_resp)).publish();
    virtio_mem_req plug{};
    plug.type = VIRTIO_MEM_REQ_PLUG;
    plug.u.plug.addr = start;
    plug.u.plug.nb_blocks = 1;
    driver.ring(0).chain().readable(bytes_of(plug)).publish();
    const auto used = serve();
    REQUIRE(used.size() == 3);
    CHECK(used[0].bytes[0] == VIRTIO_MEM_RESP_ERROR);
    CHECK(used[1].bytes[0] == VIRTIO_MEM_RESP_ERROR);
    CHECK(used[2].written == 0);
    for (const int type : {4, 77, 65535})
        CHECK(type_of_answer(static_cast<std::uint16_t>(type), start, 1) == VIRTIO_MEM_RESP_ERROR);
}

TEST_CASE_FIXTURE(Fixture, "blocks outside the usable part, or none, are an error") {
    REQUIRE(device.resize(Blocks::size));
    REQUIRE(driver.activate());
    for (const std::uint16_t type :
         std::array<std::uint16_t, 3>{VIRTIO_MEM_REQ_PLUG, VIRTIO_MEM_REQ_UNPLUG, VIRTIO_MEM_REQ_STATE}) {
        CHECK(type_of_answer(type, 0, 1) == VIRTIO_MEM_RESP_ERROR);
        CHECK(type_of_answer(type, start + 1, 1) == VIRTIO_MEM_RESP_ERROR);
        CHECK(type_of_answer(type, start + step, 1) == VIRTIO_MEM_RESP_ERROR);
        CHECK(type_of_answer(type, start, 65535) == VIRTIO_MEM_RESP_ERROR);
        CHECK(type_of_answer(type, start, 0) == VIRTIO_MEM_RESP_ERROR);
        CHECK(type_of_answer(type, UINT64_MAX - 7, 1) == VIRTIO_MEM_RESP_ERROR);
    }
    CHECK(device.plugged_bytes() == 0);
}

TEST_CASE_FIXTURE(Fixture, "no more is plugged than was asked for, and nothing twice") {
    REQUIRE(device.resize(3 * Blocks::size));
    REQUIRE(driver.activate());
    CHECK(type_of_answer(VIRTIO_MEM_REQ_PLUG, start, 4) == VIRTIO_MEM_RESP_NACK);
    CHECK(type_of_answer(VIRTIO_MEM_REQ_PLUG, start, 2) == VIRTIO_MEM_RESP_ACK);
    CHECK(type_of_answer(VIRTIO_MEM_REQ_PLUG, start + Blocks::size, 2) == VIRTIO_MEM_RESP_ERROR);
    CHECK(type_of_answer(VIRTIO_MEM_REQ_PLUG, start + 2 * Blocks::size, 2) == VIRTIO_MEM_RESP_NACK);
    CHECK(device.plugged_bytes() == 2 * Blocks::size);
    CHECK(type_of_answer(VIRTIO_MEM_REQ_UNPLUG, start, 3) == VIRTIO_MEM_RESP_ERROR);
    CHECK(device.plugged_bytes() == 2 * Blocks::size);
}

TEST_CASE_FIXTURE(
    Fixture,
    "a size that is not in whole blocks or beyond the region, or cannot be made usable, changes nothing") {
    REQUIRE(driver.activate());
    CHECK_FALSE(device.resize(1));
    CHECK_FALSE(device.resize(2 * step + Blocks::size));
    CHECK(made_usable.empty());
    refuse = true;
    CHECK(device.resize(Blocks::size).error().message == "no memory slot");
    CHECK(device.requested_bytes() == 0);
    CHECK(config().usable_region_size == 0);
    CHECK(driver.interrupt().config_change == 0);
}

TEST_CASE_FIXTURE(Fixture, "what is unplugged goes back to the host") {
    REQUIRE(device.resize(step));
    REQUIRE(driver.activate());
    REQUIRE(type_of_answer(VIRTIO_MEM_REQ_PLUG, start, 3) == VIRTIO_MEM_RESP_ACK);
    for (std::size_t block = 0; block < 3; ++block)
        memory.bytes()[block * Blocks::size] = std::byte{1};
    CHECK(type_of_answer(VIRTIO_MEM_REQ_UNPLUG, start + Blocks::size, 1) == VIRTIO_MEM_RESP_ACK);
    CHECK(device.plugged_bytes() == 2 * Blocks::size);
    CHECK(memory.bytes()[0] == std::byte{1});
    CHECK(memory.bytes()[Blocks::size] == std::byte{0});
    CHECK(memory.bytes()[2 * Blocks::size] == std::byte{1});
    CHECK(state_of(start, 1) == VIRTIO_MEM_STATE_PLUGGED);
    CHECK(state_of(start + Blocks::size, 1) == VIRTIO_MEM_STATE_UNPLUGGED);
    CHECK(state_of(start, 3) == VIRTIO_MEM_STATE_MIXED);
    CHECK(type_of_answer(VIRTIO_MEM_REQ_UNPLUG_ALL, 0, 0) == VIRTIO_MEM_RESP_ACK);
    CHECK(device.plugged_bytes() == 0);
    CHECK(memory.bytes()[0] == std::byte{0});
    CHECK(state_of(start, 3) == VIRTIO_MEM_STATE_UNPLUGGED);
}

TEST_CASE_FIXTURE(Fixture,
                  "a reset leaves blocks plugged, and a size asked for meanwhile is shown afterwards") {
    REQUIRE(device.resize(step));
    REQUIRE(driver.activate());
    REQUIRE(type_of_answer(VIRTIO_MEM_REQ_PLUG, start, 3) == VIRTIO_MEM_RESP_ACK);
    driver.reset();
    REQUIRE(device.resize(Blocks::size));
    CHECK(driver.interrupt().config_change == 0);
    REQUIRE(driver.activate());
    CHECK(config().plugged_size == 3 * Blocks::size);
    CHECK(config().requested_size == Blocks::size);
}

TEST_CASE_FIXTURE(Fixture, "the driver is told of a new size, and the usable part grows in steps") {
    REQUIRE(driver.activate());
    REQUIRE(device.resize(3 * Blocks::size));
    CHECK(driver.interrupt().config_change_begun == 1);
    CHECK(driver.interrupt().config_change == 1);
    CHECK(config().requested_size == 3 * Blocks::size);
    CHECK(config().usable_region_size == step);
    REQUIRE(device.resize(step));
    REQUIRE(device.resize(0));
    REQUIRE(device.resize(step + Blocks::size));
    CHECK(config().usable_region_size == 2 * step);
    CHECK(made_usable == std::vector<std::uint64_t>{step, 2 * step});
}

TEST_CASE_FIXTURE(Fixture, "the device says what it is and where its region lies") {
    CHECK(device.type() == 24);
    CHECK(device.features() == 0);
    CHECK(config().block_size == Blocks::size);
    CHECK(config().addr == start);
    CHECK(config().region_size == 2 * step);
    CHECK(config().usable_region_size == 0);
    CHECK(config().plugged_size == 0);
    std::byte past_end{0xee};
    device.read_config(sizeof(virtio_mem_config), std::span(&past_end, 1));
    device.read_config(UINT64_MAX, std::span(&past_end, 1));
    CHECK(past_end == std::byte{0xee});
}
