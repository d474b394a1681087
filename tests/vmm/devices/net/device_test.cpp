#include "vmm/devices/net/device.h"

#include <doctest/doctest.h>
#include <linux/if_tun.h>
#include <linux/virtio_config.h>

#include <algorithm>
#include <chrono>
#include <deque>
#include <random>
#include <thread>

#include "tests/vmm/devices/net/frames.h"
#include "tests/vmm/devices/net/socket_tap.h"
#include "tests/vmm/devices/virtio/fake_driver.h"
#include "vmm/devices/net/pair_worker.h"

using namespace nacre;
using namespace nacre::net;
using namespace nacre::net::fake;
using virtio::fake::FakeDriver;
using virtio::fake::FakeGuest;

namespace {

constexpr unsigned event_index = 29;  // linux/virtio_ring.h, which is no C++
constexpr std::uint64_t many = feature(VIRTIO_NET_F_CTRL_VQ) | feature(VIRTIO_NET_F_MQ);

/// Far longer than anything needs, so that only a hang fails.
template <class Condition>
bool eventually(Condition condition) {
    const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(30);
    while (!condition()) {
        if (std::chrono::steady_clock::now() > deadline)
            return false;
        std::this_thread::yield();
    }
    return true;
}

std::vector<std::unique_ptr<Pair>> pairs_of(std::deque<Wire>& wires, std::size_t count, Log& log,
                                            const std::shared_ptr<InterfaceLimits>& limits = {}) {
    std::vector<std::unique_ptr<Pair>> pairs;
    for (std::size_t i = 0; i < count; ++i)
        pairs.push_back(PairWorker::create(std::make_unique<SocketTap>(wires[i]), {}, log, limits).value());
    return pairs;
}

/// A device with a wire for each queue pair, and its driver.
struct Setup {
    explicit Setup(std::size_t pairs = 1,
                   std::uint64_t features = feature(VIRTIO_NET_F_MRG_RXBUF) | feature(event_index),
                   Device::Options options = {})
        : wires(pairs),
          device(create(std::move(options))),
          driver(*device, features | (pairs > 1 ? many : 0)) {}

    std::unique_ptr<Device> create(Device::Options options) {
        options.mac = {2, 0, 0, 0, 0, 1};
        return Device::create(pairs_of(wires, wires.size(), log), options, log).value();
    }

    void expect_received(std::size_t pair, const std::string& bytes) {
        REQUIRE(wires[pair].send(plain() + bytes));
        std::vector<virtio::fake::UsedBuffer> used;
        REQUIRE(eventually([&] { return !(used = driver.ring(2 * pair).collect_used()).empty(); }));
        CHECK(used.front().bytes == received(1) + bytes);
    }

    void expect_sent(std::size_t pair, const std::string& bytes) {
        driver.ring(2 * pair + 1).chain().readable(plain() + bytes).publish();
        driver.kick(2 * pair + 1);
        std::optional<std::string> frame;
        REQUIRE(eventually([&] { return (frame = wires[pair].receive()).has_value(); }));
        CHECK(*frame == plain() + bytes);
        CHECK(eventually([&] { return !driver.ring(2 * pair + 1).collect_used().empty(); }));
    }

    /// The control queue's answer to a number of pairs.
    int use_pairs(unsigned count) {
        const auto control = 2 * wires.size();
        driver.ring(control)
            .chain()
            .readable(std::string{VIRTIO_NET_CTRL_MQ, VIRTIO_NET_CTRL_MQ_VQ_PAIRS_SET})
            .readable(std::string{static_cast<char>(count), '\0'})
            .writable(1)
            .publish();
        driver.kick(control);
        std::vector<virtio::fake::UsedBuffer> used;
        REQUIRE(eventually([&] { return !(used = driver.ring(control).collect_used()).empty(); }));
        return used.front().bytes.at(0);
    }

    void give(std::size_t pair, unsigned count = 8) {
        for (; count > 0; --count)
            driver.ring(2 * pair).chain().writable(1526).publish();
        driver.kick(2 * pair);
    }

    std::deque<Wire> wires;
    Log log{-1, LogLevel::error, 0};
    std::unique_ptr<Device> device;
    FakeDriver driver;
};

bool offers(const Device& device, int number) {
    return (device.features() >> number & 1) != 0;
}

virtio_net_config config_of(const Device& device) {
    virtio_net_config config{};
    device.read_config(0, std::as_writable_bytes(std::span(&config, 1)));
    return config;
}

}  // namespace

TEST_CASE("a malformed chain in either queue asks for a reset; after it the device works") {
    Setup setup;
    for (const std::size_t queue : {0U, 1U}) {
        REQUIRE(setup.driver.activate());
        setup.driver.ring(queue).chain().raw(FakeGuest::low_end - 8, 1526, queue == 0 ? 2 : 0).publish();
        setup.driver.kick(queue);
        CHECK(eventually([&] { return setup.driver.interrupt().needs_reset.exchange(0) == 1; }));
        setup.driver.reset();
    }
    REQUIRE(setup.driver.activate());
    setup.give(0);
    setup.expect_received(0, frame(60));
    setup.expect_sent(0, frame(60));
}

TEST_CASE("buffers in the wrong direction ask for a reset") {
    Setup setup;
    REQUIRE(setup.driver.activate());
    setup.driver.ring(1).chain().readable(plain()).writable(60).publish();
    setup.driver.kick(1);
    CHECK(eventually([&] { return setup.driver.interrupt().needs_reset == 1; }));
}

TEST_CASE("a malformed chain in the control queue asks for a reset") {
    Setup setup(2);
    REQUIRE(setup.driver.activate());
    setup.driver.ring(4).chain().raw(FakeGuest::in_hole, 4).writable(1).publish();
    setup.driver.kick(4);
    CHECK(eventually([&] { return setup.driver.interrupt().needs_reset == 1; }));
}

TEST_CASE("garbage in the control queue is answered with errors") {
    Setup setup(2);
    REQUIRE(setup.driver.activate());
    for (const unsigned count : {0U, 3U, 255U})
        CHECK(setup.use_pairs(count) == VIRTIO_NET_ERR);
    setup.driver.ring(4).chain().readable("x").publish();
    setup.driver.kick(4);
    CHECK(eventually([&] { return setup.driver.ring(4).collect_used().size() == 1; }));
    CHECK(setup.use_pairs(2) == VIRTIO_NET_OK);
}

TEST_CASE("a device without its first queue pair does not start") {
    for (const std::size_t queue : {0U, 1U}) {
        Setup setup;
        setup.driver.disable_queue(queue);
        CHECK_FALSE(setup.driver.activate());
    }
}

TEST_CASE("a device has 1 to 8 queue pairs, and an MTU that there can be") {
    Log log(-1, LogLevel::error, 0);
    std::deque<Wire> wires(Device::max_pairs + 1);
    const auto create = [&](std::size_t pairs, std::uint32_t mtu) {
        Device::Options options;
        options.mtu = mtu;
        return Device::create(pairs_of(wires, pairs, log), options, log).has_value();
    };
    CHECK_FALSE(create(0, 0));
    CHECK_FALSE(create(Device::max_pairs + 1, 0));
    CHECK_FALSE(create(1, 67));
    CHECK_FALSE(create(1, 65536));
    CHECK(create(Device::max_pairs, 68));
    CHECK(create(1, 65535));
}

TEST_CASE("a pair whose thread cannot be prepared is none") {
    Log log(-1, LogLevel::error, 0);
    Wire wire;
    const auto pair = PairWorker::create(
        std::make_unique<SocketTap>(wire), [] { return Result<void>(fail("no jail")); }, log);
    REQUIRE_FALSE(pair);
    CHECK(pair.error().message == "no jail");
}

TEST_CASE("frames flow in both directions, with event index and without") {
    for (const std::uint64_t features : {std::uint64_t{0}, feature(event_index)}) {
        Setup setup(1, feature(VIRTIO_NET_F_MRG_RXBUF) | features);
        REQUIRE(setup.driver.activate());
        setup.give(0, 64);
        for (std::size_t size = 60; size < 64; ++size) {
            setup.expect_received(0, frame(size));
            setup.expect_sent(0, frame(size));
        }
        CHECK(setup.driver.interrupt().used_buffer != 0);
        CHECK(setup.driver.interrupt().needs_reset == 0);
    }
}

TEST_CASE("frames that come before there are buffers are received when there are") {
    Setup setup;
    REQUIRE(setup.driver.activate());
    REQUIRE(setup.wires[0].send(plain() + frame(60)));
    REQUIRE(setup.wires[0].send(plain() + frame(61)));
    setup.give(0, 1);
    std::vector<virtio::fake::UsedBuffer> used;
    REQUIRE(eventually([&] { return !(used = setup.driver.ring(0).collect_used()).empty(); }));
    CHECK(used.front().bytes == received(1) + frame(60));
    setup.give(0, 1);
    REQUIRE(eventually([&] { return !(used = setup.driver.ring(0).collect_used()).empty(); }));
    CHECK(used.front().bytes == received(1) + frame(61));
}

TEST_CASE("a full tap stops the guest's frames until it has room, and none is lost") {
    Setup setup;
    REQUIRE(setup.driver.activate());
    constexpr unsigned count = 200;
    for (unsigned i = 0; i < count; ++i)
        setup.driver.ring(1).chain().readable(plain() + frame(1400 + i)).publish();
    setup.driver.kick(1);
    for (unsigned i = 0; i < count; ++i) {
        std::optional<std::string> next;
        REQUIRE(eventually([&] { return (next = setup.wires[0].receive()).has_value(); }));
        CHECK(*next == plain() + frame(1400 + i));
    }
    CHECK(eventually([&] {
        setup.driver.ring(1).collect_used();
        return setup.driver.ring(1).in_flight() == 0;
    }));
}

TEST_CASE("only the first pair is in use before the driver asks for more") {
    Setup setup(3);
    CHECK(setup.wires[1].attached);
    REQUIRE(setup.driver.activate());
    CHECK(setup.wires[0].attached);
    CHECK_FALSE(setup.wires[1].attached);
    CHECK_FALSE(setup.wires[2].attached);
    CHECK(setup.use_pairs(3) == VIRTIO_NET_OK);
    CHECK(setup.wires[2].attached);
    for (std::size_t pair = 0; pair < 3; ++pair) {
        setup.give(pair);
        setup.expect_received(pair, frame(60 + pair));
        setup.expect_sent(pair, frame(60 + pair));
    }
    CHECK(setup.use_pairs(2) == VIRTIO_NET_OK);
    CHECK(setup.wires[1].attached);
    CHECK_FALSE(setup.wires[2].attached);
    setup.driver.reset();
    REQUIRE(setup.driver.activate());
    CHECK_FALSE(setup.wires[1].attached);
}

TEST_CASE("what is in the queues of a pair that is not in use waits until it is") {
    Setup setup(2);
    REQUIRE(setup.driver.activate());
    setup.give(1);
    setup.driver.ring(3).chain().readable(plain() + frame(60)).publish();
    setup.driver.kick(3);
    REQUIRE(setup.wires[1].send(plain() + frame(61)));
    CHECK(setup.use_pairs(1) == VIRTIO_NET_OK);
    CHECK_FALSE(setup.wires[1].receive());
    CHECK(setup.driver.ring(2).used_index() == 0);
    CHECK(setup.use_pairs(2) == VIRTIO_NET_OK);
    CHECK(eventually([&] { return setup.wires[1].receive() == plain() + frame(60); }));
    CHECK(eventually([&] { return setup.driver.ring(2).used_index() == 1; }));
}

TEST_CASE("pairs that the driver left disabled, or the host does not attach, are not to be had") {
    Setup setup(3);
    setup.driver.disable_queue(5);
    REQUIRE(setup.driver.activate());
    CHECK(setup.use_pairs(3) == VIRTIO_NET_ERR);
    CHECK(setup.use_pairs(2) == VIRTIO_NET_OK);
    CHECK(setup.use_pairs(1) == VIRTIO_NET_OK);
    setup.wires[1].refuse_to_attach = true;
    CHECK(setup.use_pairs(2) == VIRTIO_NET_ERR);
    setup.give(0);
    setup.expect_received(0, frame(60));
}

TEST_CASE("where the host attaches only some of the pairs asked for, those in use stay alone") {
    Setup setup(3);
    REQUIRE(setup.driver.activate());
    setup.wires[2].refuse_to_attach = true;
    CHECK(setup.use_pairs(3) == VIRTIO_NET_ERR);
    CHECK(setup.wires[0].attached);
    CHECK_FALSE(setup.wires[1].attached);
}

TEST_CASE("a driver that knows of one pair alone gets the frames of all there") {
    Setup setup(2);
    FakeDriver driver(*setup.device, feature(VIRTIO_NET_F_MRG_RXBUF) | feature(VIRTIO_NET_F_CTRL_VQ));
    REQUIRE(driver.activate());
    CHECK(setup.wires[0].attached);
    CHECK_FALSE(setup.wires[1].attached);
}

TEST_CASE("the host leaves to the guest what the driver takes, and no more") {
    const auto offloads = [](std::uint64_t features) {
        Setup setup(1, features);
        REQUIRE(setup.driver.activate());
        return setup.wires[0].offloads.load();
    };
    constexpr auto checksum = feature(VIRTIO_NET_F_GUEST_CSUM);
    constexpr auto tso4 = feature(VIRTIO_NET_F_GUEST_TSO4);
    constexpr auto tso6 = feature(VIRTIO_NET_F_GUEST_TSO6);
    constexpr auto ecn = feature(VIRTIO_NET_F_GUEST_ECN);
    CHECK(offloads(0) == 0);
    CHECK(offloads(tso4 | tso6 | ecn) == 0);
    CHECK(offloads(checksum) == TUN_F_CSUM);
    CHECK(offloads(checksum | ecn) == TUN_F_CSUM);
    CHECK(offloads(checksum | tso4) == (TUN_F_CSUM | TUN_F_TSO4));
    CHECK(offloads(checksum | tso4 | tso6 | ecn) == (TUN_F_CSUM | TUN_F_TSO4 | TUN_F_TSO6 | TUN_F_TSO_ECN));
}

TEST_CASE("an interface that goes away takes nothing else with it") {
    Setup setup;
    REQUIRE(setup.driver.activate());
    setup.give(0);
    setup.wires[0].cut();
    setup.driver.ring(1).chain().readable(plain() + frame(60)).publish();
    setup.driver.kick(1);
    CHECK(eventually([&] { return !setup.driver.ring(1).collect_used().empty(); }));
    CHECK(setup.driver.interrupt().needs_reset == 0);
    setup.driver.reset();
    CHECK(setup.driver.activate());
}

TEST_CASE("the device says what it is") {
    Device::Options options;
    options.mtu = 9000;
    const Setup setup(2, 0, options);
    CHECK(setup.device->type() == 1);
    CHECK(setup.device->queue_sizes() == std::vector<std::uint16_t>(5, 256));
    for (const int number :
         {VIRTIO_NET_F_MAC, VIRTIO_NET_F_STATUS, VIRTIO_NET_F_MTU, VIRTIO_NET_F_MRG_RXBUF, VIRTIO_NET_F_CSUM,
          VIRTIO_NET_F_GUEST_CSUM, VIRTIO_NET_F_GUEST_TSO4, VIRTIO_NET_F_GUEST_TSO6, VIRTIO_NET_F_GUEST_ECN,
          VIRTIO_NET_F_HOST_TSO4, VIRTIO_NET_F_HOST_TSO6, VIRTIO_NET_F_HOST_ECN, VIRTIO_NET_F_CTRL_VQ,
          VIRTIO_NET_F_MQ})
        CHECK(offers(*setup.device, number));
    for (const int number : {VIRTIO_NET_F_GUEST_UFO, VIRTIO_NET_F_HOST_UFO, VIRTIO_NET_F_CTRL_MAC_ADDR})
        CHECK_FALSE(offers(*setup.device, number));
    const auto config = config_of(*setup.device);
    CHECK(std::ranges::equal(config.mac, MacAddress{2, 0, 0, 0, 0, 1}));
    CHECK(config.status == VIRTIO_NET_S_LINK_UP);
    CHECK(config.max_virtqueue_pairs == 2);
    CHECK(config.mtu == 9000);
}

TEST_CASE("a device with one pair and no MTU offers no more") {
    const Setup setup;
    CHECK(setup.device->queue_sizes() == std::vector<std::uint16_t>(2, 256));
    for (const int number : {VIRTIO_NET_F_MTU, VIRTIO_NET_F_CTRL_VQ, VIRTIO_NET_F_MQ})
        CHECK_FALSE(offers(*setup.device, number));
}

TEST_CASE("reading the configuration past its end gives zeroes") {
    const Setup setup;
    std::array<std::byte, 8> bytes;
    for (const std::uint64_t offset : {sizeof(virtio_net_config), std::size_t{4096}, ~std::size_t{0}}) {
        bytes.fill(std::byte{0xee});
        setup.device->read_config(offset, bytes);
        CHECK(std::ranges::all_of(bytes, [](std::byte byte) { return byte == std::byte{0}; }));
    }
}

TEST_CASE("a guest that does anything breaks nothing but its own traffic") {
    Setup setup(
        2, feature(VIRTIO_NET_F_MRG_RXBUF) | feature(VIRTIO_NET_F_CSUM) | feature(VIRTIO_NET_F_HOST_TSO4));
    std::mt19937 random(20261126);
    const auto below = [&](std::uint32_t limit) { return static_cast<std::uint32_t>(random() % limit); };
    const auto restart = [&] {
        setup.driver.reset();
        REQUIRE(setup.driver.activate());
    };
    REQUIRE(setup.driver.activate());
    for (unsigned round = 0; round < 300; ++round) {
        const auto queue = below(5);
        auto chain = setup.driver.ring(queue).chain();
        auto bytes = plain() + frame(1 + below(2000));
        for (unsigned i = below(12); i > 0; --i)
            bytes[below(12)] = static_cast<char>(random());
        if (queue % 2 == 1 || below(8) == 0)
            chain.readable(bytes.substr(0, 1 + below(static_cast<std::uint32_t>(bytes.size()))));
        if (below(16) == 0)
            chain.raw(below(2) == 0 ? FakeGuest::in_hole : 0x100000, below(3) == 0 ? 0 : 1 + below(4096),
                      static_cast<std::uint16_t>(below(2) * virtio::fake::flag_write));
        if (queue % 2 == 0 || below(8) == 0)
            chain.writable(1 + below(4096));
        else
            chain.readable("end");
        chain.publish();
        setup.driver.kick(queue);
        setup.wires[below(2)].send(plain() + frame(below(3000)));
        while (setup.wires[below(2)].receive()) {
        }
        if (below(8) == 0 || round % 50 == 49)
            restart();
    }
    restart();
    // What the guest sent before the reset, and nobody has taken from the wire yet.
    for (auto& wire : setup.wires)
        while (wire.receive()) {
        }
    setup.expect_sent(0, frame(60));
}

namespace {

using Clock = std::chrono::steady_clock;

constexpr RateLimit ten_at_once_then_100_a_second{0, 0, 100, 10};
constexpr RateLimit one_at_once_then_one_a_second{0, 0, 1, 1};

/// A device of one pair with limits.
struct Limited {
    Limited(const RateLimit& receive, const RateLimit& transmit) {
        Device::Options options;
        options.mac = {2, 0, 0, 0, 0, 1};
        auto limits = std::make_shared<InterfaceLimits>(receive, transmit);
        device = Device::create(pairs_of(wires, 1, log, limits), options, log).value();
        driver = std::make_unique<FakeDriver>(*device, feature(VIRTIO_NET_F_MRG_RXBUF));
        REQUIRE(driver->activate());
    }

    void publish(unsigned frames) {
        for (unsigned i = 0; i < frames; ++i)
            driver->ring(1).chain().readable(plain() + frame(60)).publish();
        driver->kick(1);
    }

    /// How long it takes until as many frames have left the guest.
    Clock::duration wait_for_sent(unsigned frames) {
        const auto begin = Clock::now();
        for (unsigned i = 0; i < frames; ++i)
            REQUIRE(eventually([&] { return wires[0].receive().has_value(); }));
        return Clock::now() - begin;
    }

    Clock::duration wait_for_received(unsigned frames) {
        const auto begin = Clock::now();
        std::size_t count = 0;
        REQUIRE(eventually([&] { return (count += driver->ring(0).collect_used().size()) >= frames; }));
        return Clock::now() - begin;
    }

    std::deque<Wire> wires{1};
    Log log{-1, LogLevel::error, 0};
    std::unique_ptr<Device> device;
    std::unique_ptr<FakeDriver> driver;
};

}  // namespace

TEST_CASE("what the guest sends is held to its rate, and nothing is lost") {
    Limited setup(RateLimit{}, ten_at_once_then_100_a_second);
    setup.publish(40);
    CHECK(setup.wait_for_sent(40) >= std::chrono::milliseconds(280));
    CHECK_FALSE(setup.wires[0].receive());
}

TEST_CASE("what the guest receives is held to its rate, and waits in the tap") {
    Limited setup(ten_at_once_then_100_a_second, RateLimit{});
    for (unsigned i = 0; i < 40; ++i)
        setup.driver->ring(0).chain().writable(1526).publish();
    setup.driver->kick(0);
    for (unsigned i = 0; i < 40; ++i)
        REQUIRE(setup.wires[0].send(plain() + frame(60)));
    CHECK(setup.wait_for_received(40) >= std::chrono::milliseconds(250));
}

TEST_CASE("bytes of frames count, too") {
    Limited setup(RateLimit{}, RateLimit{10'000, 1'000, 0, 0});
    setup.publish(50);  // 72 bytes each, with their headers
    CHECK(setup.wait_for_sent(50) >= std::chrono::milliseconds(240));
}

TEST_CASE("an interface that is held back stops at once, and a reset does not renew its burst") {
    Limited setup(RateLimit{}, one_at_once_then_one_a_second);
    setup.publish(2);
    setup.wait_for_sent(1);
    const auto begin = Clock::now();
    setup.driver->reset();
    CHECK(Clock::now() - begin < std::chrono::milliseconds(500));
    REQUIRE(setup.driver->activate());
    setup.publish(1);
    std::this_thread::sleep_for(std::chrono::milliseconds(50));
    CHECK_FALSE(setup.wires[0].receive());
    setup.wait_for_sent(1);
}

TEST_CASE("a direction that is held back does not hold back the other") {
    Limited setup(one_at_once_then_one_a_second, RateLimit{});
    setup.driver->ring(0).chain().writable(1526).publish();
    setup.driver->kick(0);
    for (int i = 0; i < 3; ++i)
        REQUIRE(setup.wires[0].send(plain() + frame(60)));
    setup.wait_for_received(1);
    const auto begin = Clock::now();
    setup.publish(100);
    setup.wait_for_sent(100);
    CHECK(Clock::now() - begin < std::chrono::seconds(1));
}
