#include "vmm/devices/net/vhost.h"

// Without it <linux/virtio_ring.h>, which comes along, has inline functions that are not C++.
#define VIRTIO_RING_NO_LEGACY
#include <linux/vhost.h>
#include <linux/virtio_config.h>
#include <sys/ioctl.h>

#include <array>
#include <bit>
#include <cstring>

#include "vmm/devices/net/protocol.h"

namespace nacre::net {

namespace {

constexpr std::uint64_t features_of_queues = feature(VIRTIO_F_VERSION_1) | feature(VIRTIO_RING_F_EVENT_IDX) |
                                             feature(VIRTIO_RING_F_INDIRECT_DESC) |
                                             feature(VIRTIO_NET_F_MRG_RXBUF);

std::uint64_t address_of(std::span<std::byte> bytes) {
    return std::bit_cast<std::uint64_t>(bytes.data());
}

vhost_memory_region entry_of(const GuestMemory::Region& region) {
    return {region.start, region.mapping.size(), address_of(region.mapping.bytes()), 0};
}

template <class T>
Result<void> ask(const FileDescriptor& fd, unsigned long request, T* argument, const char* what) {
    if (::ioctl(fd.get(), request, argument) < 0)
        return fail_errno("vhost: {}", what);
    return {};
}

Result<void> set_eventfd(const FileDescriptor& fd, unsigned long request, unsigned index, int event,
                         const char* what) {
    vhost_vring_file file{index, event};
    return ask(fd, request, &file, what);
}

}  // namespace

Result<Vhost> Vhost::open(FileDescriptor fd) {
    NACRE_TRY(ask<void>(fd, VHOST_SET_OWNER, nullptr, "become the owner"));
    return Vhost(std::move(fd));
}

Result<void> Vhost::set_features(std::uint64_t features) const {
    std::uint64_t known = 0;
    NACRE_TRY(ask(fd_, VHOST_GET_FEATURES, &known, "features"));
    // The header in front of a frame is the tap's, not one that vhost makes (VHOST_NET_F_VIRTIO_NET_HDR).
    std::uint64_t wanted = features & features_of_queues;
    if ((wanted & ~known) != 0)
        return fail_with(EOPNOTSUPP, "vhost: features {:#x} of {:#x}", wanted & ~known, wanted);
    return ask(fd_, VHOST_SET_FEATURES, &wanted, "set features");
}

Result<void> Vhost::set_memory(const GuestMemory& memory) const {
    std::vector<vhost_memory_region> regions;
    for (const auto& region : memory.regions())
        regions.push_back(entry_of(region));
    // In full: nobody comes back here when it grows, and what is no RAM yet is of no use to the kernel
    // either.
    if (const auto* growing = memory.growing_region(); growing != nullptr)
        regions.push_back(entry_of(*growing));
    // vhost_memory: how many regions, padding, and the regions; it has no size in C++.
    const std::array<std::uint32_t, 2> header{static_cast<std::uint32_t>(regions.size()), 0};
    const auto entries = std::as_bytes(std::span(regions));
    std::vector<std::byte> table(sizeof header + entries.size());
    std::memcpy(table.data(), &header, sizeof header);
    std::memcpy(table.data() + sizeof header, entries.data(), entries.size());
    return ask(fd_, VHOST_SET_MEM_TABLE, table.data(), "set the memory");
}

Result<void> Vhost::set_queue(unsigned index, const virtio::Queue& queue, const EventFd& kick,
                              const EventFd& call, const EventFd& error) const {
    vhost_vring_state size{index, queue.size()};
    NACRE_TRY(ask(fd_, VHOST_SET_VRING_NUM, &size, "set the size of a queue"));
    vhost_vring_state position{index, queue.next_available()};
    NACRE_TRY(ask(fd_, VHOST_SET_VRING_BASE, &position, "set the position in a queue"));
    vhost_vring_addr addresses{};
    addresses.index = index;
    addresses.desc_user_addr = address_of(queue.descriptor_table());
    addresses.avail_user_addr = address_of(queue.available_ring());
    addresses.used_user_addr = address_of(queue.used_ring());
    NACRE_TRY(ask(fd_, VHOST_SET_VRING_ADDR, &addresses, "set the addresses of a queue"));
    NACRE_TRY(set_eventfd(fd_, VHOST_SET_VRING_CALL, index, call.fd(), "set the interrupt of a queue"));
    NACRE_TRY(set_eventfd(fd_, VHOST_SET_VRING_ERR, index, error.fd(), "set the error event of a queue"));
    return set_eventfd(fd_, VHOST_SET_VRING_KICK, index, kick.fd(), "set the kick of a queue");
}

Result<void> Vhost::set_backend(unsigned index, int tap) const {
    vhost_vring_file file{index, tap};
    return ask(fd_, VHOST_NET_SET_BACKEND, &file, "set the tap of a queue");
}

}  // namespace nacre::net
