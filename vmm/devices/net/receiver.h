#pragma once

#include <deque>
#include <vector>

#include "vmm/base/rate_limiter.h"
#include "vmm/devices/net/protocol.h"
#include "vmm/devices/virtio/queue.h"

namespace nacre::net {

/// Puts frames from a tap into the buffers of a receive queue (Virtio 1.2, 5.1.6.3 and 5.1.6.4). Belongs to
/// one thread.
///
/// A frame is read straight into guest memory. How long it will be is not known before: what the buffers at
/// hand cannot hold goes into memory of ours and follows when the guest has given more. A frame is never read
/// without a buffer for it: it stays in the tap, where the host's kernel drops what becomes too much.
///
/// An error means that the guest broke the queue's rules and the queue must not be used any more.
class Receiver {
  public:
    static constexpr unsigned max_frames_a_turn = 64;

    enum class Outcome {
        empty,       // nothing to read; the tap says when there is
        more,        // there may be more to read in the next turn
        no_buffers,  // the driver kicks when it has given buffers; the tap need not be watched
        throttled,   // the limiter says when more may be read; the tap need not be watched until then
        tap_lost,    // nothing can be read any more
    };

    /// `features`: what the driver accepted. `mtu`: of the interface.
    Receiver(virtio::Queue queue, std::uint64_t features, std::size_t mtu);

    /// Reads up to max_frames_a_turn, and what `limiter` (none: no limit) lets pass; `tap` does not block.
    Result<Outcome> receive(int tap, RateLimiter* limiter = nullptr);

    /// Whether the driver wants an interrupt for what was received since the last call.
    bool needs_interrupt() { return queue_.needs_interrupt(); }

  private:
    Result<bool> prepare();
    Result<bool> hold(std::size_t bytes, std::size_t pieces);
    Result<bool> hold_one();
    Result<bool> hold_or_ask(std::size_t bytes);
    Result<bool> finish_pending();
    void gather_pieces();
    Result<void> take(std::size_t bytes);
    Result<void> give(std::size_t bytes);

    virtio::Queue queue_;
    const bool mergeable_;           // a frame may use several buffers
    const std::size_t usual_bytes_;  // that a frame needs with its header; more goes through overflow_
    std::deque<virtio::DescriptorChain> held_;  // taken from the queue, not used yet; in order
    std::size_t held_bytes_ = 0;
    std::size_t held_pieces_ = 0;
    std::size_t pending_ = 0;  // bytes of a frame that is in held_ and, the end of it, in overflow_
    std::size_t pending_in_place_ = 0;
    std::vector<std::byte> overflow_;
    std::vector<iovec> pieces_;            // scratch
    std::vector<virtio::UsedChain> used_;  // scratch
};

}  // namespace nacre::net
