#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <vector>

#include "vmm/base/result.h"
#include "vmm/devices/virtio/queue.h"
#include "vmm/devices/vsock/packet.h"

namespace nacre::vsock {

/// The buffers that the guest gave for packets to it (queue 0). Packets are built in place: payload goes from
/// the host's socket straight into guest memory, as many packets at a time as the buffers at hand allow.
/// Belongs to one thread.
///
/// An error means that the guest broke the queue's rules and the queue must not be used any more.
class RxBuffers {
  public:
    explicit RxBuffers(virtio::Queue queue);

    /// Whether a packet can be sent now. If not, the guest has been asked to kick when it gives buffers.
    Result<bool> available();

    /// Sends a packet without payload; available() was true.
    Result<void> send(const PacketHeader& header);

    /// What a read from a socket came to.
    struct Transfer {
        std::size_t bytes = 0;  // sent to the guest; 0: end of file if error is 0
        int error = 0;          // errno of recvmsg(2)
    };

    /// Reads up to `limit` (> 0) bytes from `socket` without blocking and sends them as packets with `header`
    /// and their lengths; available() was true. A short transfer says nothing about what is left to read.
    Result<Transfer> send_from(int socket, std::size_t limit, PacketHeader header);

    /// Whether the driver wants an interrupt for what was sent since the last call.
    bool needs_interrupt() { return queue_.needs_interrupt(); }

    /// Ring position for a snapshot: buffers held back unused count as not taken.
    std::uint16_t next_available() const {
        return static_cast<std::uint16_t>(queue_.next_available() - held_.size());
    }

  private:
    Result<bool> hold_one();
    Result<std::size_t> hold(std::size_t payload_bytes);
    Result<void> push_front(const PacketHeader& header);

    virtio::Queue queue_;
    std::deque<virtio::DescriptorChain> held_;  // taken from the queue, not used yet; in order
    std::vector<iovec> pieces_;                 // scratch
};

}  // namespace nacre::vsock
