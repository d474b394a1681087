#include "guest-agent/container/device_numbers.h"

#include <doctest/doctest.h>

using namespace nacre;
using namespace nacre::agent;

namespace {

constexpr std::int64_t disk_major = 254;
const std::vector<DeviceTranslation> sdb_is_vdc{{{8, 16}, {disk_major, 32}}};

oci::DeviceRule rule(bool allow, const char* type, std::optional<std::int64_t> major,
                     std::optional<std::int64_t> minor, const char* access = "rw") {
    return {allow, type, major, minor, access};
}

bool same(const oci::DeviceRule& a, const oci::DeviceRule& b) {
    return a.allow == b.allow && a.type == b.type && a.major == b.major && a.minor == b.minor &&
           a.access == b.access;
}

}  // namespace

TEST_CASE("a rule that would open another container's disk by its number is left out") {
    const auto left = translate_rules({rule(true, "b", disk_major, 0), rule(true, "b", disk_major, std::nullopt),
                                       rule(true, "b", disk_major, -1)},
                                      sdb_is_vdc, disk_major);
    CHECK(left.empty());
}

TEST_CASE("a rule for the host's device becomes one for the disk that stands for it, in its place") {
    const auto rules = translate_rules(
        {rule(false, "", {}, {}), rule(true, "b", 8, 16, "r"), rule(true, "c", 1, 3)}, sdb_is_vdc, disk_major);
    REQUIRE(rules.size() == 4);
    CHECK(same(rules[0], rule(false, "", {}, {})));
    CHECK(same(rules[1], rule(true, "b", 8, 16, "r")));
    CHECK(same(rules[2], rule(true, "b", disk_major, 32, "r")));
    CHECK(same(rules[3], rule(true, "c", 1, 3)));
}

TEST_CASE("a host's device may have the number that disks have in the VM") {
    const std::vector<DeviceTranslation> translations{{{disk_major, 0}, {disk_major, 16}},
                                                      {{disk_major, 16}, {disk_major, 0}}};
    const auto rules = translate_rules({rule(true, "b", disk_major, 0, "rw"), rule(true, "b", disk_major, 16, "r")},
                                       translations, disk_major);
    REQUIRE(rules.size() == 2);
    CHECK(same(rules[0], rule(true, "b", disk_major, 16, "rw")));
    CHECK(same(rules[1], rule(true, "b", disk_major, 0, "r")));
}

TEST_CASE("a rule for all minor numbers covers each disk that stands for one of them") {
    const auto rules = translate_rules({rule(false, "b", 8, -1)}, sdb_is_vdc, disk_major);
    REQUIRE(rules.size() == 2);
    CHECK(same(rules[1], rule(false, "b", disk_major, 32)));
}

TEST_CASE("rules for all devices and for character devices mean what they say") {
    for (const auto& one : {rule(true, "a", {}, {}), rule(true, "b", -1, -1), rule(true, "b", {}, {}),
                            rule(true, "c", disk_major, 0), rule(true, "c", 8, 16), rule(true, "b", 7, 0)}) {
        const auto rules = translate_rules({one}, sdb_is_vdc, disk_major);
        REQUIRE(rules.size() == 1);
        CHECK(same(rules[0], one));
    }
}
