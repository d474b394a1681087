#include "guest-agent/container/capabilities.h"

#include <doctest/doctest.h>

using namespace nacre::agent;

TEST_CASE("what is not a capability's name has no number") {
    for (const auto* name : {"", "CAP_", "CHOWN", "CAP_NONSENSE", "cap", "CAP CHOWN"})
        CHECK_FALSE(capability_number(name));
}

TEST_CASE("names have the kernel's numbers") {
    CHECK(capability_number("CAP_CHOWN") == 0);
    CHECK(capability_number("CAP_SYS_ADMIN") == 21);
    CHECK(capability_number("CAP_CHECKPOINT_RESTORE") == 40);
}

TEST_CASE("sets are bits by number; names of a newer kernel are left out") {
    nacre::oci::Capabilities capabilities;
    capabilities.bounding = {"CAP_CHOWN", "CAP_KILL", "CAP_OF_TOMORROW"};
    capabilities.ambient = {"CAP_CHECKPOINT_RESTORE"};
    const auto sets = capability_sets(capabilities);
    CHECK(sets.bounding == (1u << 0 | 1u << 5));
    CHECK(sets.effective == 0);
    CHECK(sets.ambient == std::uint64_t{1} << 40);
}
