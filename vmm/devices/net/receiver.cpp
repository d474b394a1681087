#include "vmm/devices/net/receiver.h"

#include <algorithm>
#include <cerrno>
#include <climits>
#include <limits>
#include <utility>

namespace nacre::net {

namespace {

/// Of buffers held for reading; with one more chain of 256 and overflow_ below what readv(2) takes (IOV_MAX).
constexpr std::size_t max_pieces = 512;
constexpr std::size_t no_limit = std::numeric_limits<std::size_t>::max();

constexpr std::uint64_t cut_by_us = feature(VIRTIO_NET_F_GUEST_TSO4) | feature(VIRTIO_NET_F_GUEST_TSO6);

}  // namespace

Receiver::Receiver(virtio::Queue queue, std::uint64_t features, std::size_t mtu)
    : queue_(std::move(queue)),
      mergeable_((features & feature(VIRTIO_NET_F_MRG_RXBUF)) != 0),
      usual_bytes_(header_bytes + ((features & cut_by_us) != 0 ? max_frame_bytes : link_header_bytes + mtu)),
      overflow_(max_frame_bytes) {}

Result<Receiver::Outcome> Receiver::receive(int tap, RateLimiter* limiter) {
    queue_.disable_notifications();
    for (unsigned frames = 0; frames < max_frames_a_turn; ++frames) {
        NACRE_ASSIGN(const bool prepared, prepare());
        if (!prepared)
            return Outcome::no_buffers;
        if (limiter != nullptr && limiter->delay().count() != 0)
            return Outcome::throttled;
        gather_pieces();
        pieces_.push_back(iovec{overflow_.data(), overflow_.size()});
        // Only a driver whose whole queue is crumbs gets so far (finish_pending). readv(2) would refuse them
        // and leave the frame in the tap, to be tried again without end.
        if (pieces_.size() > IOV_MAX)
            return fail("{} chains of {} pieces: too many to receive into", held_.size(), held_pieces_);
        const auto bytes = ::readv(tap, pieces_.data(), static_cast<int>(pieces_.size()));
        if (bytes < 0 && errno == EAGAIN)
            return Outcome::empty;
        if (bytes == 0 || (bytes < 0 && errno == EBADFD))
            return Outcome::tap_lost;
        // Any other error is one of that frame, which is gone then.
        if (bytes <= 0)
            continue;
        if (limiter != nullptr)
            limiter->charge(static_cast<std::size_t>(bytes));
        NACRE_TRY(take(static_cast<std::size_t>(bytes)));
    }
    return Outcome::more;
}

/// Whether there is a buffer to read into; false when the driver has been asked for more.
Result<bool> Receiver::prepare() {
    if (pending_ != 0) {
        NACRE_ASSIGN(const bool finished, finish_pending());
        if (!finished)
            return false;
    }
    NACRE_TRY(hold(mergeable_ ? usual_bytes_ : 1, max_pieces));
    return held_.empty() ? hold_or_ask(1) : true;
}

/// Takes buffers until `bytes` are held; false when there are no more.
Result<bool> Receiver::hold(std::size_t bytes, std::size_t pieces) {
    while (held_bytes_ < bytes && held_pieces_ < pieces) {
        NACRE_ASSIGN(const bool one, hold_one());
        if (!one)
            return false;
    }
    return true;
}

Result<bool> Receiver::hold_one() {
    NACRE_ASSIGN(auto chain, queue_.pop());
    if (!chain)
        return false;
    if (!chain->readable.empty() || chain->writable_bytes < header_bytes)
        return fail("chain {}: {} bytes to read and {} to write are no buffer to receive into", chain->head,
                    chain->readable_bytes, chain->writable_bytes);
    held_bytes_ += chain->writable_bytes;
    held_pieces_ += chain->writable.size();
    held_.push_back(std::move(*chain));
    return true;
}

Result<bool> Receiver::hold_or_ask(std::size_t bytes) {
    for (;;) {
        NACRE_ASSIGN(const bool enough, hold(bytes, no_limit));
        if (enough)
            return true;
        if (!queue_.enable_notifications())
            return false;
        queue_.disable_notifications();
    }
}

/// False when the driver has been asked for the buffers that the rest of the frame needs.
Result<bool> Receiver::finish_pending() {
    NACRE_ASSIGN(const bool enough, hold_or_ask(pending_));
    // A guest whose whole queue cannot hold the frame has to do without it.
    if (!enough && held_.size() < queue_.size())
        return false;
    const auto bytes = std::exchange(pending_, 0);
    if (!enough)
        return true;
    gather_pieces();
    virtio::copy_to_iovecs(pieces_, pending_in_place_, std::span(overflow_).first(bytes - pending_in_place_));
    NACRE_TRY(give(bytes));
    return true;
}

void Receiver::gather_pieces() {
    pieces_.clear();
    for (const auto& chain : held_)
        pieces_.insert(pieces_.end(), chain.writable.begin(), chain.writable.end());
}

/// What was read of a frame, `bytes` with its header, into held_ and overflow_.
Result<void> Receiver::take(std::size_t bytes) {
    if (bytes < header_bytes)
        return {};
    if (bytes <= held_bytes_)
        return give(bytes);
    // A driver that takes a frame in one buffer alone has to give one that is large enough (5.1.6.3.1).
    if (mergeable_) {
        pending_ = bytes;
        pending_in_place_ = held_bytes_;
    }
    return {};
}

Result<void> Receiver::give(std::size_t bytes) {
    used_.clear();
    while (bytes != 0) {
        auto& chain = held_.front();
        const auto written = std::min(bytes, static_cast<std::size_t>(chain.writable_bytes));
        bytes -= written;
        held_bytes_ -= chain.writable_bytes;
        held_pieces_ -= chain.writable.size();
        used_.push_back({std::move(chain), static_cast<std::uint32_t>(written)});
        held_.pop_front();
    }
    const auto count = static_cast<std::uint16_t>(used_.size());
    virtio::copy_to_iovecs(used_.front().chain.writable, offsetof(FrameHeader, num_buffers),
                           std::as_bytes(std::span(&count, 1)));
    return queue_.push_used(used_);
}

}  // namespace nacre::net
