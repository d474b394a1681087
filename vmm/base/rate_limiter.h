#pragma once

#include <mutex>

#include "vmm/base/token_bucket.h"

namespace nacre {

/// What may pass; a rate of 0 is no limit. As of TokenBucket.
struct RateLimit {
    std::uint64_t bytes_per_second = 0;
    std::uint64_t bytes_burst = 0;
    std::uint64_t operations_per_second = 0;
    std::uint64_t operations_burst = 0;

    bool any() const { return bytes_per_second != 0 || operations_per_second != 0; }
};

/// Holds what a device does to a RateLimit: bytes and operations. Safe from any thread; queues of a device
/// that share one may together begin one operation each too many, which all of them pay for afterwards.
class RateLimiter {
  public:
    explicit RateLimiter(const RateLimit& limit);

    /// How long until an operation may begin; 0: at once.
    TokenBucket::Duration delay();

    /// One operation of as many bytes has begun.
    void charge(std::uint64_t bytes);

  private:
    const bool limited_;
    std::mutex mutex_;
    TokenBucket bytes_;
    TokenBucket operations_;
};

}  // namespace nacre
