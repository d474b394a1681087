#include "vmm/devices/net/tap.h"

#include <doctest/doctest.h>
#include <fcntl.h>
#include <linux/if.h>
#include <linux/if_tun.h>
#include <sched.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <cstring>
#include <string>
#include <thread>
#include <vector>

#include "tests/vmm/devices/net/frames.h"
#include "tests/vmm/devices/net/socket_tap.h"

using namespace nacre;
using namespace nacre::net;

namespace {

constexpr short multi_queue = IFF_TAP | IFF_NO_PI | IFF_VNET_HDR | IFF_MULTI_QUEUE;

FileDescriptor open_queue(short flags, int header) {
    FileDescriptor fd(::open("/dev/net/tun", O_RDWR | O_CLOEXEC));
    ifreq request{};
    request.ifr_flags = flags;
    std::strcpy(request.ifr_name, "nacre-test");
    if (!fd || ::ioctl(fd.get(), TUNSETIFF, &request) < 0 || ::ioctl(fd.get(), TUNSETVNETHDRSZ, &header) < 0)
        return {};
    return fd;
}

void set_up() {
    const FileDescriptor socket(::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0));
    ifreq request{};
    std::strcpy(request.ifr_name, "nacre-test");
    request.ifr_flags = IFF_UP;
    ::ioctl(socket.get(), SIOCSIFFLAGS, &request);
}

/// Opens queues of an interface in a network namespace of its own, which is left again: what is done with
/// them is done from outside. Only root can; without queues there is nothing to test.
std::vector<FileDescriptor> open_elsewhere(unsigned queues, short flags, int header = 12) {
    std::vector<FileDescriptor> opened;
    std::thread([&] {
        if (::unshare(CLONE_NEWNET) != 0)
            return;
        for (unsigned i = 0; i < queues; ++i) {
            auto queue = open_queue(flags, header);
            if (queue)
                opened.push_back(std::move(queue));
        }
        set_up();
    }).join();
    if (opened.empty())
        MESSAGE("skipped: no tap without privileges");
    return opened;
}

}  // namespace

TEST_CASE("what is no tap is refused") {
    CHECK_FALSE(open_tap(FileDescriptor(), false));
    CHECK_FALSE(open_tap(FileDescriptor(::open("/dev/null", O_RDWR | O_CLOEXEC)), false));
    CHECK_FALSE(open_tap(FileDescriptor(::open("/dev/net/tun", O_RDWR | O_CLOEXEC)), false));
    const fake::Wire wire;
    CHECK_FALSE(open_tap(FileDescriptor(::fcntl(wire.tap(), F_DUPFD_CLOEXEC, 0)), false));
}

TEST_CASE("an interface of another kind, or with another header, is refused") {
    const auto refused = [](short flags, int header, bool several) {
        auto queues = open_elsewhere(1, flags, header);
        return queues.empty() || !open_tap(std::move(queues[0]), several);
    };
    CHECK(refused(IFF_TUN | IFF_NO_PI | IFF_VNET_HDR, 12, false));
    CHECK(refused(IFF_TAP | IFF_NO_PI, 12, false));
    CHECK(refused(IFF_TAP | IFF_NO_PI | IFF_VNET_HDR, 10, false));
    CHECK(refused(IFF_TAP | IFF_NO_PI | IFF_VNET_HDR, 12, true));
}

TEST_CASE("queues of an interface in another namespace can be used, detached and attached") {
    auto queues = open_elsewhere(2, multi_queue);
    if (queues.empty())
        return;
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
