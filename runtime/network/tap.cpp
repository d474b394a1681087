#include "runtime/network/tap.h"

#include <fcntl.h>
#include <linux/if.h>
#include <linux/if_tun.h>
#include <sys/ioctl.h>

#include <cstring>

#include "vmm/base/file.h"

namespace nacre::runtime {

namespace {

constexpr std::string_view name_prefix = "nacre";

/// sizeof(virtio_net_hdr_v1), virtio 1.2, 5.1.6.
constexpr int header_bytes = 12;

Result<FileDescriptor> open_queue(const std::string& name, bool several, std::string& made) {
    auto queue = open_file("/dev/net/tun", O_RDWR | O_NONBLOCK);
    if (!queue)
        return add_context(std::move(queue).error(), "make a tap device (the kernel needs the module tun)");
    ifreq request{};
    name.copy(request.ifr_name, IFNAMSIZ - 1);
    request.ifr_flags =
        static_cast<short>(IFF_TAP | IFF_NO_PI | IFF_VNET_HDR | (several ? IFF_MULTI_QUEUE : 0));
    if (::ioctl(queue->get(), TUNSETIFF, &request) < 0)
        return fail_errno("make a tap device");
    if (::ioctl(queue->get(), TUNSETVNETHDRSZ, &header_bytes) < 0)
        return fail_errno("set the header of tap device {}", name);
    made = request.ifr_name;
    return queue;
}

}  // namespace

Result<Tap> make_tap(std::uint32_t queues) {
    Tap tap{std::string(name_prefix) + "%d", {}};  // the kernel puts in the first free number
    for (std::uint32_t count = 0; count < queues; ++count) {
        NACRE_ASSIGN(auto queue, open_queue(tap.name, queues > 1, tap.name));
        tap.queues.push_back(std::move(queue));
    }
    return tap;
}

bool is_tap_name(std::string_view name) {
    return name.size() > name_prefix.size() && name.starts_with(name_prefix) &&
           name.find_first_not_of("0123456789", name_prefix.size()) == std::string_view::npos;
}

std::vector<FileDescriptor> open_vhost(std::size_t count) {
    std::vector<FileDescriptor> descriptors;
    while (descriptors.size() < count) {
        auto opened = open_file("/dev/vhost-net", O_RDWR);
        if (!opened)
            return {};
        descriptors.push_back(std::move(*opened));
    }
    return descriptors;
}

}  // namespace nacre::runtime
