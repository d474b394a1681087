#include "vmm/devices/net/transmitter.h"

#include <cerrno>

#include "vmm/devices/net/frame_header.h"
#include "vmm/devices/virtio/iovecs.h"

namespace nacre::net {

Result<Transmitter::Outcome> Transmitter::transmit(int tap, RateLimiter* limiter) {
    queue_.disable_notifications();
    for (unsigned frames = 0; frames < max_frames_a_turn; ++frames) {
        if (limiter != nullptr && limiter->delay().count() != 0)
            return Outcome::throttled;
        NACRE_ASSIGN(auto chain, queue_.pop());
        if (!chain)
            return queue_.enable_notifications() ? Outcome::more : Outcome::empty;
        NACRE_ASSIGN(const bool gone, send(*chain, tap));
        if (!gone) {
            queue_.undo_pop();
            return Outcome::tap_full;
        }
        if (limiter != nullptr)
            limiter->charge(chain->readable_bytes);
        NACRE_TRY(queue_.push_used(std::move(*chain), 0));
    }
    return Outcome::more;
}

/// False when the tap takes no frame now.
Result<bool> Transmitter::send(const virtio::DescriptorChain& chain, int tap) {
    if (!chain.writable.empty() || chain.readable_bytes < header_bytes)
        return fail("chain {}: {} bytes to read and {} to write are no frame to send", chain.head,
                    chain.readable_bytes, chain.writable_bytes);
    const std::size_t frame_bytes = chain.readable_bytes - header_bytes;
    FrameHeader header{};
    virtio::copy_from_iovecs(chain.readable, 0, std::as_writable_bytes(std::span(&header, 1)));
    auto checked = checked_header(header, frame_bytes, features_);
    if (!checked || frame_bytes < ethernet_header_bytes || frame_bytes > max_frame_bytes)
        return true;
    pieces_.assign(1, iovec{&*checked, header_bytes});
    virtio::append_part(chain.readable, header_bytes, frame_bytes, pieces_);
    // A chain has no more pieces than the queue, and that fits: 1 + 256 of 1024 (IOV_MAX).
    return ::writev(tap, pieces_.data(), static_cast<int>(pieces_.size())) >= 0 || errno != EAGAIN;
}

}  // namespace nacre::net
