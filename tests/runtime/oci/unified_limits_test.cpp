#include "runtime/oci/unified_limits.h"

#include <doctest/doctest.h>

using namespace nacre::oci;

namespace {

Resources with(StringMap unified) {
    Resources resources;
    resources.unified = std::move(unified);
    return with_unified_limits(resources);
}

}  // namespace

TEST_CASE("what is no number changes nothing") {
    for (const auto* text : {"", " ", "-5", "12x", "99999999999999999999", "maximum"}) {
        CAPTURE(text);
        CHECK_FALSE(with({{"memory.max", text}}).memory);
        CHECK_FALSE(with({{"cpu.max", text}}).cpu->quota);
    }
    CHECK_FALSE(with({{"cpu.max", "5 x"}}).cpu->period);
    CHECK_FALSE(with({{"cpu.max", "5 0"}}).cpu->period);
}

TEST_CASE("limits of files become the members that mean the same") {
    CHECK(with({{"memory.max", "4096\n"}}).memory->limit == 4096);
    CHECK(with({{"memory.max", "max"}}).memory->limit == -1);
    CHECK(with({{"cpu.max", "max 50000"}}).cpu->quota == -1);
    const auto cpu = *with({{"cpu.max", "30000 10000"}, {"cpuset.cpus", "0-1"}, {"cpuset.mems", "0"}}).cpu;
    CHECK(cpu.quota == 30000);
    CHECK(cpu.period == 10000U);
    CHECK(cpu.cpus == "0-1");
    CHECK(cpu.mems == "0");
}

TEST_CASE("other files leave the members alone") {
    const auto resources = with({{"pids.max", "20"}, {"cpu.weight", "7"}, {"cpu.max.burst", "100"}});
    CHECK_FALSE(resources.memory);
    CHECK_FALSE((resources.cpu && (resources.cpu->quota || resources.cpu->shares)));
}

TEST_CASE("settings of block I/O that name devices are told from the others") {
    CHECK(names_device("io.max", "8:0 riops=100"));
    CHECK(names_device("io.weight", "default 100\n8:0 200"));
    CHECK_FALSE(names_device("io.weight", "default 100"));
    CHECK_FALSE(names_device("misc.max", "a:b 1"));
}

TEST_CASE("the file wins over the member, as the guest's cgroup has it") {
    Resources resources;
    resources.memory.emplace();
    resources.memory->limit = 1;
    resources.memory->swap = 3;
    resources.unified = {{"memory.max", "2"}};
    const auto result = with_unified_limits(resources);
    CHECK(result.memory->limit == 2);
    CHECK(result.memory->swap == 3);
}
