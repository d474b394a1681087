#include "vmm/base/rate_limiter.h"

#include <algorithm>

namespace nacre {

namespace {

using Clock = std::chrono::steady_clock;

}  // namespace

RateLimiter::RateLimiter(const RateLimit& limit)
    : limited_(limit.any()),
      bytes_(limit.bytes_per_second, limit.bytes_burst),
      operations_(limit.operations_per_second, limit.operations_burst) {}

TokenBucket::Duration RateLimiter::delay() {
    if (!limited_)
        return TokenBucket::Duration::zero();
    const std::lock_guard lock(mutex_);
    const auto now = Clock::now();
    return std::max(bytes_.delay(now), operations_.delay(now));
}

void RateLimiter::charge(std::uint64_t bytes) {
    if (!limited_)
        return;
    const std::lock_guard lock(mutex_);
    const auto now = Clock::now();
    bytes_.take(bytes, now);
    operations_.take(1, now);
}

}  // namespace nacre
