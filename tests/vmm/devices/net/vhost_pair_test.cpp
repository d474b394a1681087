#include "vmm/devices/net/vhost_pair.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <chrono>
#include <thread>

#include "tests/vmm/devices/net/frames.h"
#include "tests/vmm/devices/net/host_interface.h"
#include "tests/vmm/devices/virtio/fake_driver.h"
#include "vmm/devices/net/device.h"

using namespace nacre;
using namespace nacre::net;
using namespace nacre::net::fake;
using virtio::fake::FakeDriver;
using virtio::fake::FakeGuest;

namespace {

constexpr std::uint64_t features =
    feature(VIRTIO_NET_F_MRG_RXBUF) | feature(VIRTIO_NET_F_CTRL_VQ) | feature(VIRTIO_NET_F_MQ);

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

/// A frame to everyone of an experimental protocol, so that the host's kernel does nothing with it.
std::string broadcast(char mark) {
    return std::string(6, '\xff') + std::string({2, 0, 0, 0, 0, 9, '\x88', '\xb5'}) + std::string(60, mark);
}

/// A device on a tap and vhost of the host's kernel. Where there is none, there is nothing to test.
struct Setup {
    explicit Setup(unsigned count) : interface(count, static_cast<short>(usual_flags | IFF_MULTI_QUEUE)) {
        std::vector<std::unique_ptr<Pair>> pairs;
        for (auto& queue : interface.queues) {
            auto vhost = Vhost::open(FileDescriptor(::open("/dev/vhost-net", O_RDWR | O_CLOEXEC)));
            if (!vhost) {
                MESSAGE("skipped: " << vhost.error().message);
                return;
            }
            auto tap = open_tap(std::move(queue), true).value();
            pairs.push_back(VhostPair::create(std::move(tap), std::move(*vhost), {}, log).value());
        }
        if (!pairs.empty())
            device = Device::create(std::move(pairs), {}, log).value();
    }

    bool receives(FakeDriver& driver, std::size_t queue, const std::string& frame) {
        REQUIRE(::send(interface.network.get(), frame.data(), frame.size(), 0) ==
                static_cast<ssize_t>(frame.size()));
        return eventually([&] {
            const auto used = driver.ring(queue).collect_used();
            return std::ranges::any_of(used, [&](const auto& buffer) {
                return buffer.bytes.size() == header_bytes + frame.size() &&
                       buffer.bytes.substr(header_bytes) == frame;
            });
        });
    }

    bool sends(FakeDriver& driver, std::size_t queue, const std::string& frame) {
        driver.ring(queue).chain().readable(plain() + frame).publish();
        driver.kick(queue);
        return eventually([&] {
            std::string bytes(2000, '\0');
            const auto count = ::recv(interface.network.get(), bytes.data(), bytes.size(), 0);
            return count > 0 && bytes.substr(0, static_cast<std::size_t>(count)) == frame;
        });
    }

    Log log{-1, LogLevel::error, 0};
    HostInterface interface;
    std::unique_ptr<Device> device;
};

void give(FakeDriver& driver, std::size_t queue) {
    for (unsigned i = 0; i < 32; ++i)
        driver.ring(queue).chain().writable(1526).publish();
    driver.kick(queue);
}

}  // namespace

TEST_CASE("what is no vhost is refused") {
    CHECK_FALSE(Vhost::open(FileDescriptor()));
    CHECK_FALSE(Vhost::open(FileDescriptor(::open("/dev/null", O_RDWR | O_CLOEXEC))));
}

TEST_CASE("the host's kernel moves frames in both directions, and interrupts") {
    Setup setup(1);
    if (!setup.device)
        return;
    FakeDriver driver(*setup.device, features & feature(VIRTIO_NET_F_MRG_RXBUF));
    for (const char round : {'a', 'b'}) {
        REQUIRE(driver.activate());
        give(driver, 0);
        CHECK(setup.receives(driver, 0, broadcast(round)));
        CHECK(setup.sends(driver, 1, broadcast('x')));
        CHECK(eventually([&] { return driver.ring(1).used_index() == 1; }));
        CHECK(driver.interrupt().line.drain() != 0);
        CHECK(driver.interrupt().needs_reset == 0);
        driver.reset();
    }
}

TEST_CASE("after a reset the host's kernel touches the guest no more") {
    Setup setup(1);
    if (!setup.device)
        return;
    FakeDriver driver(*setup.device, features & feature(VIRTIO_NET_F_MRG_RXBUF));
    REQUIRE(driver.activate());
    give(driver, 0);
    REQUIRE(setup.receives(driver, 0, broadcast('a')));
    driver.reset();
    give(driver, 0);
    for (unsigned i = 0; i < 32; ++i) {
        const auto frame = broadcast('b');
        ::send(setup.interface.network.get(), frame.data(), frame.size(), 0);
    }
    std::this_thread::sleep_for(std::chrono::milliseconds(50));
    CHECK(driver.ring(0).used_index() == 0);
}

TEST_CASE("what the host's kernel cannot go on from asks for a reset") {
    Setup setup(1);
    if (!setup.device)
        return;
    FakeDriver driver(*setup.device, features & feature(VIRTIO_NET_F_MRG_RXBUF));
    REQUIRE(driver.activate());
    driver.ring(1).publish_head(300);
    driver.kick(1);
    CHECK(eventually([&] { return driver.interrupt().needs_reset == 1; }));
    driver.reset();
    REQUIRE(driver.activate());
    CHECK(setup.sends(driver, 1, broadcast('x')));
}

TEST_CASE("a second pair of the host's kernel is taken into use when the driver asks for it") {
    Setup setup(2);
    if (!setup.device)
        return;
    FakeDriver driver(*setup.device, features);
    REQUIRE(driver.activate());
    driver.ring(4)
        .chain()
        .readable(std::string{VIRTIO_NET_CTRL_MQ, VIRTIO_NET_CTRL_MQ_VQ_PAIRS_SET, 2, 0})
        .writable(1)
        .publish();
    driver.kick(4);
    REQUIRE(eventually([&] { return driver.ring(4).used_index() == 1; }));
    CHECK(driver.ring(4).collect_used().front().bytes == std::string(1, VIRTIO_NET_OK));
    CHECK(setup.sends(driver, 1, broadcast('x')));
    CHECK(setup.sends(driver, 3, broadcast('y')));
}
