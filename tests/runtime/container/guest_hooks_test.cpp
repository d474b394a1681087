#include "runtime/container/guest_hooks.h"

#include <doctest/doctest.h>

#include <limits>

using namespace nacre;
using namespace nacre::runtime;

namespace {

oci::Hook hook(std::optional<std::int32_t> timeout) {
    return {"/bin/true", {}, {}, timeout};
}

}  // namespace

TEST_CASE("the guest has the time of all its hooks, and a minute for an answer") {
    CHECK(guest_hooks_timeout_ms({hook(5)}) == 65'000);
    CHECK(guest_hooks_timeout_ms({hook(5), hook(1)}) == 66'000);
}

TEST_CASE("one hook without a time-out may take all the time there is") {
    CHECK(guest_hooks_timeout_ms({hook(5), hook(std::nullopt)}) == -1);
}

TEST_CASE("long time-outs do not overflow") {
    const auto longest = std::numeric_limits<std::int32_t>::max();
    CHECK(guest_hooks_timeout_ms({hook(longest), hook(longest)}) == longest);
}
