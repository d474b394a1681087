#include "guest-agent/container/cgroup_settings.h"

#include <doctest/doctest.h>

using namespace nacre;
using namespace nacre::agent;

namespace {

/// What is written to `file`, or "-".
std::string value_of(const std::vector<CgroupSetting>& settings, const std::string& file) {
    for (const auto& setting : settings) {
        if (setting.file == file)
            return setting.value;
    }
    return "-";
}

oci::Resources with_memory(const oci::MemoryResources& memory) {
    oci::Resources resources;
    resources.memory = memory;
    return resources;
}

oci::Resources with_cpu(const oci::CpuResources& cpu) {
    oci::Resources resources;
    resources.cpu = cpu;
    return resources;
}

}  // namespace

TEST_CASE("no resources, no settings") {
    CHECK(cgroup_settings({}).empty());
    CHECK(cgroup_settings(with_memory({})).empty());
    CHECK(cgroup_settings(with_cpu({})).empty());
}

TEST_CASE("zeroes that callers send for \"not given\" set nothing") {
    oci::MemoryResources memory;
    memory.limit = memory.swap = memory.reservation = 0;
    CHECK(cgroup_settings(with_memory(memory)).empty());
    oci::CpuResources cpu;
    cpu.shares = cpu.period = 0;
    cpu.quota = 0;
    CHECK(cgroup_settings(with_cpu(cpu)).empty());
}

TEST_CASE("memory: swap is counted without memory in cgroup v2") {
    oci::MemoryResources memory;
    memory.limit = 100;
    memory.swap = 250;
    memory.reservation = 50;
    const auto settings = cgroup_settings(with_memory(memory));
    CHECK(value_of(settings, "memory.max") == "100");
    CHECK(value_of(settings, "memory.swap.max") == "150");
    CHECK(value_of(settings, "memory.low") == "50");
}

TEST_CASE("memory: minus one is no limit, swap below memory is none") {
    oci::MemoryResources memory;
    memory.limit = -1;
    memory.swap = -1;
    CHECK(value_of(cgroup_settings(with_memory(memory)), "memory.max") == "max");
    CHECK(value_of(cgroup_settings(with_memory(memory)), "memory.swap.max") == "max");
    memory.limit = 100;
    memory.swap = 50;
    CHECK(value_of(cgroup_settings(with_memory(memory)), "memory.swap.max") == "0");
}

TEST_CASE("cpu.max has quota and period") {
    oci::CpuResources cpu;
    cpu.quota = 50'000;
    CHECK(value_of(cgroup_settings(with_cpu(cpu)), "cpu.max") == "50000 100000");
    cpu.period = 20'000;
    CHECK(value_of(cgroup_settings(with_cpu(cpu)), "cpu.max") == "50000 20000");
    cpu.quota = -1;
    CHECK(value_of(cgroup_settings(with_cpu(cpu)), "cpu.max") == "max 20000");
}

TEST_CASE("an idle group gets no weight") {
    oci::CpuResources cpu;
    cpu.shares = 512;
    cpu.idle = 1;
    const auto settings = cgroup_settings(with_cpu(cpu));
    CHECK(value_of(settings, "cpu.idle") == "1");
    CHECK(value_of(settings, "cpu.weight") == "-");
}

TEST_CASE("a process limit below zero is none, and zero is one process") {
    oci::Resources resources;
    for (const auto& [limit, text] : {std::pair(-1, "max"), std::pair(0, "1"), std::pair(7, "7")}) {
        resources.pids_limit = limit;
        CHECK(value_of(cgroup_settings(resources), "pids.max") == text);
    }
}

TEST_CASE("block I/O has its weight; what names devices names the host's") {
    oci::Resources resources;
    auto& io = resources.block_io.emplace();
    io.throttle_read_bps_device = {{8, 0, 100}};
    io.weight = 0;
    CHECK(cgroup_settings(resources).empty());
    io.weight = 750;
    CHECK(cgroup_settings(resources) == std::vector<CgroupSetting>{{"io.weight", "7475", false}});
}

TEST_CASE("unified settings come last and must succeed") {
    oci::Resources resources;
    resources.pids_limit = 5;
    resources.unified = {{"io.max", "8:0 riops=100"}, {"pids.max", "9"}};
    const auto settings = cgroup_settings(resources);
    REQUIRE(settings.size() == 2);
    CHECK(settings.back() == CgroupSetting{"pids.max", "9", false});
}
