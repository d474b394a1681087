#include "guest-agent/container/user_namespace.h"

#include <doctest/doctest.h>

using namespace nacre;
using namespace nacre::agent;

TEST_CASE("an id that no mapping holds stands for none outside") {
    const std::vector<oci::IdMapping> mappings{{0, 100000, 10}, {20, 200000, 1}};
    CHECK_FALSE(outer_id(mappings, 10));
    CHECK_FALSE(outer_id(mappings, 21));
    CHECK_FALSE(outer_id(mappings, UINT32_MAX));
}

TEST_CASE("an id stands for the one at the same distance outside; without mappings for itself") {
    const std::vector<oci::IdMapping> mappings{{0, 100000, 10}, {20, 200000, 1}};
    CHECK(outer_id(mappings, 0) == 100000U);
    CHECK(outer_id(mappings, 9) == 100009U);
    CHECK(outer_id(mappings, 20) == 200000U);
    CHECK(outer_id({}, 7) == 7U);
}

TEST_CASE("a user namespace to join is the VM's own") {
    oci::Linux linux_config;
    CHECK_FALSE(has_user_namespace(linux_config));
    linux_config.namespaces = {{oci::NamespaceType::user, "/proc/1/ns/user"}};
    CHECK_FALSE(has_user_namespace(linux_config));
    linux_config.namespaces = {{oci::NamespaceType::user, ""}};
    CHECK(has_user_namespace(linux_config));
}
