#include "runtime/cgroup/limits.h"

#include <doctest/doctest.h>

#include <limits>

using namespace nacre;
using namespace nacre::runtime;

namespace {

oci::Resources with_cpu(oci::CpuResources cpu) {
    oci::Resources resources;
    resources.cpu = std::move(cpu);
    return resources;
}

oci::CpuResources cpu_of(std::optional<std::uint64_t> shares, std::optional<std::int64_t> quota,
                         std::optional<std::uint64_t> period) {
    oci::CpuResources cpu;
    cpu.shares = shares;
    cpu.quota = quota;
    cpu.period = period;
    return cpu;
}

using Settings = std::vector<CgroupSetting>;

}  // namespace

TEST_CASE("no limits, no writes") {
    CHECK(host_limits({}, 1000, true).empty());
    CHECK(host_limits(with_cpu(cpu_of(0, {}, {})), 1000, false).empty());
}

TEST_CASE("shares out of range become the nearest weight") {
    CHECK(host_limits(with_cpu(cpu_of(1, {}, {})), 0, true) == Settings{{"cpu", "cpu.weight", "1"}});
    CHECK(host_limits(with_cpu(cpu_of(UINT64_MAX, {}, {})), 0, true) ==
          Settings{{"cpu", "cpu.weight", "10000"}});
    CHECK(host_limits(with_cpu(cpu_of(1024, {}, {})), 0, true) == Settings{{"cpu", "cpu.weight", "100"}});
}

TEST_CASE("memory without a limit is said so, as there may have been one; 0 is not given") {
    oci::Resources resources;
    resources.memory.emplace().limit = -1;
    CHECK(host_limits(resources, 1000, true) == Settings{{"memory", "memory.max", "max"}});
    CHECK(host_limits(resources, 1000, false) ==
          Settings{{"memory", "memory.limit_in_bytes", "9223372036854771712"}});
    resources.memory->limit = 0;
    CHECK(host_limits(resources, 1000, true).empty());
}

TEST_CASE("tasks: the workload's limit with the VM's own on top") {
    oci::Resources resources;
    resources.pids_limit = 100;
    CHECK(host_limits(resources, 0, true) == Settings{{"pids", "pids.max", "612"}});
    CHECK(host_limits(resources, 0, false) == Settings{{"pids", "pids.max", "612"}});
    for (const std::int64_t unlimited : {std::int64_t{-1}, std::numeric_limits<std::int64_t>::max()}) {
        resources.pids_limit = unlimited;
        CHECK(host_limits(resources, 0, true) == Settings{{"pids", "pids.max", "max"}});
    }
    resources.pids_limit = 0;
    CHECK(host_limits(resources, 0, true) == Settings{{"pids", "pids.max", "513"}});
    resources.unified = {{"pids.max", "30"}};
    CHECK(host_limits(resources, 0, true) == Settings{{"pids", "pids.max", "542"}});
}

TEST_CASE("an idle container has no weight, and bursts go with the quota") {
    oci::CpuResources cpu = cpu_of(512, 50'000, {});
    cpu.idle = 1;
    cpu.burst = 1'000;
    CHECK(host_limits(with_cpu(cpu), 0, true) == Settings{{"cpu", "cpu.idle", "1"},
                                                          {"cpu", "cpu.max", "50000 100000"},
                                                          {"cpu", "cpu.max.burst", "1000"}});
    CHECK(host_limits(with_cpu(cpu), 0, false) == Settings{{"cpu", "cpu.idle", "1"},
                                                           {"cpu", "cpu.cfs_quota_us", "50000"},
                                                           {"cpu", "cpu.cfs_burst_us", "1000"}});
}

TEST_CASE("a quota without end is max, a missing period the kernel's default") {
    CHECK(host_limits(with_cpu(cpu_of({}, -1, {})), 0, true) == Settings{{"cpu", "cpu.max", "max 100000"}});
    CHECK(host_limits(with_cpu(cpu_of({}, 50'000, 20'000)), 0, true) ==
          Settings{{"cpu", "cpu.max", "50000 20000"}});
}

TEST_CASE("limits of the unified form count as the members that mean the same") {
    oci::Resources resources;
    resources.unified = {
        {"cpu.max", "30000 10000"}, {"cpu.weight", "7"}, {"memory.max", "100"}, {"pids.max", "3"}};
    CHECK(host_limits(resources, 4096, true) == Settings{{"memory", "memory.max", "4096"},
                                                         {"cpu", "cpu.max", "30000 10000"},
                                                         {"pids", "pids.max", "515"},
                                                         {"cpu", "cpu.weight", "7"}});
}

TEST_CASE("on v1 the same values go to v1's files") {
    CHECK(host_limits(with_cpu(cpu_of(512, 50'000, 100'000)), 0, false) ==
          Settings{{"cpu", "cpu.shares", "512"},
                   {"cpu", "cpu.cfs_period_us", "100000"},
                   {"cpu", "cpu.cfs_quota_us", "50000"}});
}

TEST_CASE("memory is bounded by what the whole VM may take, and only where the container has a limit") {
    oci::Resources resources;
    resources.memory.emplace();
    CHECK(host_limits(resources, 4096, true).empty());
    resources.memory->limit = 100;
    CHECK(host_limits(resources, 4096, true) == Settings{{"memory", "memory.max", "4096"}});
    CHECK(host_limits(resources, 4096, false) == Settings{{"memory", "memory.limit_in_bytes", "4096"}});
}

TEST_CASE("block I/O is limited on the host's devices, in the form of its cgroup version") {
    oci::Resources resources;
    auto& io = resources.block_io.emplace();
    CHECK(host_limits(resources, 0, true).empty());
    io.weight = 0;
    CHECK(host_limits(resources, 0, true).empty());
    io.weight = 1000;
    io.throttle_read_bps_device = {{8, 0, 100}};
    io.throttle_write_iops_device = {{8, 16, 0}};
    CHECK(host_limits(resources, 0, true) == Settings{{"io", "io.weight", "10000"},
                                                      {"io", "io.max", "8:0 rbps=100"},
                                                      {"io", "io.max", "8:16 wiops=max"}});
    CHECK(host_limits(resources, 0, false) ==
          Settings{{"blkio", "blkio.weight", "1000"},
                   {"blkio", "blkio.throttle.read_bps_device", "8:0 100"},
                   {"blkio", "blkio.throttle.write_iops_device", "8:16 0"}});
}

TEST_CASE("devices of the unified form are the host's, one a write") {
    oci::Resources resources;
    resources.unified = {{"io.max", "7:0 riops=3 wiops=4\n7:1 riops=5\n"}, {"io.weight", "default 50"}};
    CHECK(host_limits(resources, 0, true) == Settings{{"io", "io.max", "7:0 riops=3 wiops=4"},
                                                      {"io", "io.max", "7:1 riops=5"},
                                                      {"io", "io.weight", "default 50"}});
    CHECK(host_limits(resources, 0, false).size() == 2);
}
