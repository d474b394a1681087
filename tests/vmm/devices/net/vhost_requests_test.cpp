// What is asked of /dev/vhost-net, on hosts without it as well.

#include <doctest/doctest.h>
#include <linux/virtio_config.h>

#include "tests/vmm/devices/net/fake_vhost.h"
#include "tests/vmm/devices/net/socket_tap.h"
#include "tests/vmm/devices/virtio/fake_driver.h"
#include "vmm/devices/net/protocol.h"
#include "vmm/devices/net/vhost_pair.h"

using namespace nacre;
using namespace nacre::net;
using namespace nacre::net::fake;
using virtio::fake::FakeGuest;
using virtio::fake::FakeInterrupt;
using virtio::fake::FakeRing;

namespace {

constexpr std::uint64_t features = feature(VIRTIO_F_VERSION_1) | feature(VIRTIO_NET_F_MRG_RXBUF);

struct Setup {
    Result<void> start() {
        virtio::Activation activation{&guest.memory(), features, &interrupt, {}};
        NACRE_TRY(pair->start({active(receive), active(transmit)}, activation, 1500));
        return pair->set_in_use(true);
    }

    virtio::ActiveQueue active(const FakeRing& ring) const {
        return {virtio::Queue::create(guest.memory(), ring.layout(), 256, false, true).value(), &kick};
    }

    bool is_served() const { return kernel.serves(0, Vhost::receive) || kernel.serves(0, Vhost::transmit); }

    Log log{-1, LogLevel::error, 0};
    FakeGuest guest;
    FakeVhost kernel{guest.memory()};
    FakeRing receive{guest, 256};
    FakeRing transmit{guest, 64};
    FakeInterrupt interrupt;
    const EventFd kick = EventFd::create().value();
    Wire wire;
    std::unique_ptr<VhostPair> pair =
        VhostPair::create(std::make_unique<SocketTap>(wire), Vhost::open(kernel.open()).value(), {}, log)
            .value();
};

}  // namespace

TEST_CASE("the kernel serves a pair that is in use, and no longer") {
    Setup setup;
    for (int round = 0; round < 2; ++round) {
        REQUIRE(setup.start());
        CHECK(setup.kernel.serves(0, Vhost::receive));
        CHECK(setup.kernel.serves(0, Vhost::transmit));
        REQUIRE(setup.pair->set_in_use(false));
        CHECK_FALSE(setup.is_served());
        REQUIRE(setup.pair->set_in_use(true));
        setup.pair->stop();
        CHECK_FALSE(setup.is_served());
    }
    CHECK(setup.kernel.refused() == 0);
}

TEST_CASE("whatever the host has no memory for, a pair that is stopped is not served") {
    Setup setup;
    unsigned answered = 0;
    for (bool started = false; !started; ++answered) {
        setup.kernel.fail_after(answered);
        started = setup.start().has_value();
        setup.pair->stop();
        CHECK_FALSE(setup.is_served());
    }
    CHECK(answered > 10);
    CHECK(setup.kernel.refused() == 0);
}

TEST_CASE("what the kernel cannot go on from ends the service and asks for a reset") {
    Setup setup;
    REQUIRE(setup.start());
    REQUIRE(setup.kernel.give_up(0, Vhost::receive));
    // The second task comes after what the loop was woken for.
    for (int round = 0; round < 2; ++round)
        setup.pair->loop().run_in_loop([] {});
    CHECK(setup.interrupt.needs_reset == 1);
    CHECK_FALSE(setup.is_served());
}

TEST_CASE("memory that the guest is given later is within the kernel's reach from the start") {
    std::vector<GuestMemory::Region> regions;
    regions.push_back({0, MemoryMapping::anonymous(0x10000).value()});
    auto memory =
        GuestMemory::create(
            std::move(regions),
            GuestMemory::Region{0x100000, MemoryMapping::reserved_aligned(0x200000, 0x200000).value()})
            .value();
    FakeVhost kernel(memory);
    const auto vhost = Vhost::open(kernel.open()).value();
    CHECK(vhost.set_memory(memory));
    CHECK(kernel.refused() == 0);
}
