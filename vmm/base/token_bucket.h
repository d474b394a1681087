#pragma once

#include <chrono>
#include <cstdint>

namespace nacre {

/// A budget that fills at a steady rate up to its burst ("token bucket"): what is spent in t seconds is at
/// most burst + rate * t, and what the last one took beyond it.
///
/// Something may begin while a token is left, and takes what it costs afterwards, also more than there is:
/// the size of a frame is not known before it is read, and a transfer larger than the burst must pass at some
/// time. What comes next waits until that is paid.
///
/// Time is the caller's, which never goes back. Not safe for use by several threads at once.
class TokenBucket {
  public:
    using Time = std::chrono::steady_clock::time_point;
    using Duration = std::chrono::nanoseconds;

    static constexpr std::uint64_t max_tokens = std::uint64_t{1} << 33;  // of a rate, a burst, and one cost
    static constexpr Duration longest = std::chrono::hours(1);           // to fill it, and to pay one cost

    /// `per_second` of 0: everything may begin at once. Full at first. Beyond the bounds above counts as
    /// them.
    TokenBucket(std::uint64_t per_second, std::uint64_t burst);

    /// How long until something may begin; 0: at once.
    Duration delay(Time now) const;

    void take(std::uint64_t tokens, Time now);

  private:
    Duration time_of(std::uint64_t tokens) const;

    const std::uint64_t per_second_;
    const Duration burst_;
    Time full_at_{};  // then it is full again; later than burst_ from now: something is still to be paid
};

}  // namespace nacre
