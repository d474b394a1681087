#include "vmm/base/token_bucket.h"

#include <algorithm>

namespace nacre {

TokenBucket::TokenBucket(std::uint64_t per_second, std::uint64_t burst)
    : per_second_(std::min(per_second, max_tokens)), burst_(time_of(std::max<std::uint64_t>(burst, 1))) {}

TokenBucket::Duration TokenBucket::delay(Time now) const {
    if (per_second_ == 0)
        return Duration::zero();
    return std::max(Duration::zero(), Duration(full_at_ - now) + time_of(1) - burst_);
}

void TokenBucket::take(std::uint64_t tokens, Time now) {
    full_at_ = std::max(full_at_, now) + time_of(tokens);
}

/// That it takes to fill in as many. Rounded up, so that no cost is none.
TokenBucket::Duration TokenBucket::time_of(std::uint64_t tokens) const {
    if (per_second_ == 0)
        return Duration::zero();
    constexpr std::uint64_t second = 1'000'000'000;
    static_assert(max_tokens <= (UINT64_MAX - max_tokens) / second);
    const auto time = (std::min(tokens, max_tokens) * second + per_second_ - 1) / per_second_;
    return std::min(longest, Duration(time));
}

}  // namespace nacre
