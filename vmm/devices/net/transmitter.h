#pragma once

#include <vector>

#include "vmm/base/rate_limiter.h"
#include "vmm/devices/net/protocol.h"
#include "vmm/devices/virtio/queue.h"

namespace nacre::net {

/// Sends the frames of a transmit queue out of a tap (Virtio 1.2, 5.1.6.2). Belongs to one thread.
///
/// Frames that no network could carry or the host's kernel refuses are lost, as on a wire. A chain that is no
/// frame at all (a header cut short, buffers to write into) is an error: the queue must not be used any more.
class Transmitter {
  public:
    static constexpr unsigned max_frames_a_turn = 64;

    enum class Outcome {
        empty,      // everything is sent; the driver kicks for more
        more,       // there may be more to send in the next turn
        tap_full,   // the tap takes no more until it is writable; the frame stays in the queue
        throttled,  // the limiter says when more may be sent; what is in the queue stays there
    };

    /// `features`: what the driver accepted.
    Transmitter(virtio::Queue queue, std::uint64_t features)
        : queue_(std::move(queue)), features_(features) {}

    /// Sends up to max_frames_a_turn, and what `limiter` (none: no limit) lets pass; `tap` does not block.
    Result<Outcome> transmit(int tap, RateLimiter* limiter = nullptr);

    /// Whether the driver wants an interrupt for what was sent since the last call.
    bool needs_interrupt() { return queue_.needs_interrupt(); }

  private:
    Result<bool> send(const virtio::DescriptorChain& chain, int tap);

    virtio::Queue queue_;
    std::uint64_t features_;
    std::vector<iovec> pieces_;  // scratch
};

}  // namespace nacre::net
