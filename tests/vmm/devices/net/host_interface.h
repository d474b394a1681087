#pragma once

#include <fcntl.h>
#include <linux/if.h>
#include <linux/if_packet.h>
#include <linux/if_tun.h>
#include <sched.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

#include <cstring>
#include <thread>
#include <vector>

#include "vmm/base/file_descriptor.h"

namespace nacre::net::fake {

constexpr short usual_flags = IFF_TAP | IFF_NO_PI | IFF_VNET_HDR;

/// A tap of the host's kernel in a network namespace of its own, opened from within and then seen from
/// outside. Only root can have one; for others, and without /dev/net/tun, it has no queues.
struct HostInterface {
    HostInterface(unsigned count, short flags, int header = 12) {
        std::thread([&] {
            if (::unshare(CLONE_NEWNET) != 0)
                return;
            for (; count > 0; --count)
                open_queue(flags, header);
            set_up();
        }).join();
    }

    std::vector<FileDescriptor> queues;
    FileDescriptor
        network;  // AF_PACKET: all that the interface sends and receives, whole frames; does not block

  private:
    static ifreq named() {
        ifreq request{};
        std::strcpy(request.ifr_name, "nacre-test");
        return request;
    }

    void open_queue(short flags, int header) {
        FileDescriptor fd(::open("/dev/net/tun", O_RDWR | O_CLOEXEC));
        auto request = named();
        request.ifr_flags = flags;
        if (fd && ::ioctl(fd.get(), TUNSETIFF, &request) == 0 &&
            ::ioctl(fd.get(), TUNSETVNETHDRSZ, &header) == 0)
            queues.push_back(std::move(fd));
    }

    void set_up() {
        constexpr std::uint16_t all_protocols = 0x0300;  // ETH_P_ALL, big-endian
        network.reset(::socket(AF_PACKET, SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK, all_protocols));
        auto request = named();
        request.ifr_flags = IFF_UP;
        ::ioctl(network.get(), SIOCSIFFLAGS, &request);
        request = named();
        ::ioctl(network.get(), SIOCGIFINDEX, &request);
        sockaddr_ll address{};
        address.sll_family = AF_PACKET;
        address.sll_protocol = all_protocols;
        address.sll_ifindex = request.ifr_ifindex;
        ::bind(network.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address);
    }
};

}  // namespace nacre::net::fake
