#include "vmm/devices/net/tap.h"

#include <doctest/doctest.h>
#include <unistd.h>

#include <string>

#include "tests/vmm/devices/net/frames.h"
#include "tests/vmm/devices/net/host_interface.h"
#include "tests/vmm/devices/net/socket_tap.h"

using namespace nacre;
using namespace nacre::net;
using fake::HostInterface;
using fake::usual_flags;

TEST_CASE("what is no tap is refused") {
    CHECK_FALSE(open_tap(FileDescriptor(), false));
    CHECK_FALSE(open_tap(FileDescriptor(::open("/dev/null", O_RDWR | O_CLOEXEC)), false));
    CHECK_FALSE(open_tap(FileDescriptor(::open("/dev/net/tun", O_RDWR | O_CLOEXEC)), false));
    const fake::Wire wire;
    CHECK_FALSE(open_tap(FileDescriptor(::fcntl(wire.tap(), F_DUPFD_CLOEXEC, 0)), false));
}

TEST_CASE("an interface of another kind, or with another header, is refused") {
    const auto refused = [](short flags, int header, bool several) {
        HostInterface interface(1, flags, header);
        return interface.queues.empty() || !open_tap(std::move(interface.queues[0]), several);
    };
    CHECK(refused(IFF_TUN | IFF_NO_PI | IFF_VNET_HDR, 12, false));
    CHECK(refused(IFF_TAP | IFF_NO_PI, 12, false));
    CHECK(refused(usual_flags, 10, false));
    CHECK(refused(usual_flags, 12, true));
}

TEST_CASE("queues of an interface in another namespace can be used, detached and attached") {
    HostInterface interface(2, usual_flags | IFF_MULTI_QUEUE);
    auto& queues = interface.queues;
    if (queues.empty()) {
        MESSAGE("skipped: no tap without privileges");
        return;
    }
    REQUIRE(queues.size() == 2);
    const auto first = open_tap(std::move(queues[0]), true).value();
    const auto second = open_tap(std::move(queues[1]), true).value();
    CHECK(first->set_offloads(TUN_F_CSUM | TUN_F_TSO4 | TUN_F_TSO6 | TUN_F_TSO_ECN));
    CHECK(first->set_offloads(0));
    CHECK_FALSE(first->set_offloads(1U << 20));
    CHECK(second->set_attached(true));
    CHECK(second->set_attached(false));
    CHECK(second->set_attached(false));
    CHECK(second->set_attached(true));
    const auto bytes = fake::plain() + std::string(6, '\xff') + fake::frame(60);
    for (const auto* tap : {first.get(), second.get()})
        CHECK(::write(tap->fd(), bytes.data(), bytes.size()) == static_cast<ssize_t>(bytes.size()));
}
