#include "vmm/base/token_bucket.h"

#include <doctest/doctest.h>

#include <random>

using namespace nacre;
using namespace std::chrono_literals;

namespace {

constexpr TokenBucket::Time start{1000h};

/// Begins operations of `cost` as soon as they may until `duration` is over. Their sum.
std::uint64_t spent_in(TokenBucket& bucket, std::uint64_t cost, TokenBucket::Duration duration) {
    std::uint64_t sum = 0;
    for (auto now = start; now < start + duration;) {
        const auto delay = bucket.delay(now);
        now += delay;
        if (delay != 0s)
            continue;
        bucket.take(cost, now);
        sum += cost;
    }
    return sum;
}

}  // namespace

TEST_CASE("the burst passes at once, and not one operation more") {
    TokenBucket bucket(100, 10);
    for (int i = 0; i < 10; ++i) {
        CHECK(bucket.delay(start) == 0s);
        bucket.take(1, start);
    }
    CHECK(bucket.delay(start) == 10ms);
    CHECK(bucket.delay(start + 9ms) == 1ms);
    CHECK(bucket.delay(start + 10ms) == 0s);
}

TEST_CASE("over time what passes is the rate, whatever the operations' size") {
    for (const std::uint64_t cost : {1U, 512U, 4096U, 100'000U}) {
        TokenBucket bucket(10'000, 1'000);
        const auto spent = spent_in(bucket, cost, 100s);
        CHECK(spent >= 1'000'000);
        CHECK(spent <= 1'001'000 + cost);
    }
}

TEST_CASE("an operation larger than the burst passes, and what follows waits until it is paid") {
    TokenBucket bucket(1'000, 10);
    bucket.take(5'010, start);
    CHECK(bucket.delay(start) == 5s + 1ms);
    CHECK(bucket.delay(start + 5s + 1ms) == 0s);
}

TEST_CASE("idle time saves no more than the burst") {
    TokenBucket bucket(100, 10);
    bucket.take(10, start);
    for (int i = 0; i < 10; ++i)
        bucket.take(1, start + 24h);
    CHECK(bucket.delay(start + 24h) == 10ms);
}

TEST_CASE("without a rate nothing waits") {
    TokenBucket bucket(0, 0);
    bucket.take(UINT64_MAX, start);
    CHECK(bucket.delay(start) == 0s);
}

TEST_CASE("without a burst one operation begins at a time") {
    TokenBucket bucket(1'000, 0);
    CHECK(bucket.delay(start) == 0s);
    bucket.take(1, start);
    CHECK(bucket.delay(start) == 1ms);
}

TEST_CASE("numbers beyond all bounds overflow nothing: no delay is negative, and none longer than an hour") {
    for (const std::uint64_t rate : {std::uint64_t{1}, std::uint64_t{1} << 32, UINT64_MAX}) {
        for (const std::uint64_t burst : {std::uint64_t{1}, UINT64_MAX}) {
            TokenBucket bucket(rate, burst);
            CHECK(bucket.delay(TokenBucket::Time{}) == 0s);
            bucket.take(UINT64_MAX, start);
            CHECK(bucket.delay(start) >= 0s);
            CHECK(bucket.delay(start) <= 1h + 1s);
        }
    }
}

TEST_CASE("whatever comes when, no more than burst and rate passes") {
    std::mt19937 random(7);
    TokenBucket bucket(1'000'000, 50'000);
    std::uint64_t sum = 0;
    auto now = start;
    for (int i = 0; i < 100'000; ++i) {
        now += std::chrono::microseconds(random() % 1'000);
        if (bucket.delay(now) != 0s)
            continue;
        const auto cost = 1 + random() % 10'000;
        bucket.take(cost, now);
        sum += cost;
        const auto filled_in = static_cast<std::uint64_t>((now - start) / 1us);  // a token each
        REQUIRE(sum <= 50'000 + filled_in + 10'000);
    }
}
