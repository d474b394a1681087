#pragma once

#include "vmm/base/event_fd.h"
#include "vmm/base/file_descriptor.h"
#include "vmm/base/result.h"
#include "vmm/devices/virtio/queue.h"
#include "vmm/memory/guest_memory.h"

namespace nacre::net {

/// One descriptor of /dev/vhost-net: a thread of the host's kernel that serves a receive and a transmit queue
/// (<linux/vhost.h>). One function an ioctl, or a few that belong together.
class Vhost {
  public:
    static constexpr unsigned receive = 0;
    static constexpr unsigned transmit = 1;

    /// Makes this process the owner: its memory is what the kernel's thread will work in. An error when `fd`
    /// is none of /dev/vhost-net, or has an owner.
    static Result<Vhost> open(FileDescriptor fd);

    /// What the queues are like: of `features`, those that are vhost's business (VIRTIO_F_*, VIRTIO_RING_F_*,
    /// VIRTIO_NET_F_MRG_RXBUF). An error when the kernel lacks one.
    Result<void> set_features(std::uint64_t features) const;

    /// Where the guest's addresses are in this process, those of memory that it may be given later as well.
    /// Nothing else can be reached through a queue.
    Result<void> set_memory(const GuestMemory& memory) const;

    /// A queue that nobody has taken anything from, and the eventfds that go with it: kicks, interrupts, and
    /// what the kernel cannot go on from. The queue's memory stays as long as the kernel serves it.
    Result<void> set_queue(unsigned index, const virtio::Queue& queue, const EventFd& kick,
                           const EventFd& call, const EventFd& error) const;

    /// Serves the queue between guest and `tap`; -1: no more. When that returns, the kernel touches neither
    /// queue nor buffers.
    Result<void> set_backend(unsigned index, int tap) const;

  private:
    explicit Vhost(FileDescriptor fd) : fd_(std::move(fd)) {}
    FileDescriptor fd_;
};

}  // namespace nacre::net
