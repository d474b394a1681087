#include "runtime/cgroup/limits.h"

#include <fmt/format.h>

#include <algorithm>

namespace nacre::runtime {

namespace {

constexpr std::uint64_t default_period = 100'000;

std::uint64_t weight_of(std::uint64_t shares) {
    const auto clamped = std::clamp<std::uint64_t>(shares, 2, 262'144);
    return 1 + (clamped - 2) * 9999 / 262'142;
}

void add_unified_cpu(const oci::CpuResources& cpu, std::vector<CgroupSetting>& settings) {
    if (cpu.shares.value_or(0) != 0)
        settings.push_back({"cpu", "cpu.weight", fmt::format("{}", weight_of(*cpu.shares))});
    if (cpu.quota || cpu.period) {
        const auto quota = cpu.quota.value_or(-1) > 0 ? fmt::format("{}", *cpu.quota) : std::string("max");
        settings.push_back(
            {"cpu", "cpu.max", fmt::format("{} {}", quota, cpu.period.value_or(default_period))});
    }
}

void add_v1_cpu(const oci::CpuResources& cpu, std::vector<CgroupSetting>& settings) {
    if (cpu.shares.value_or(0) != 0)
        settings.push_back({"cpu", "cpu.shares", fmt::format("{}", *cpu.shares)});
    if (cpu.period.value_or(0) != 0)
        settings.push_back({"cpu", "cpu.cfs_period_us", fmt::format("{}", *cpu.period)});
    if (cpu.quota.value_or(0) != 0)
        settings.push_back({"cpu", "cpu.cfs_quota_us", fmt::format("{}", *cpu.quota)});
}

void add_cpu(const oci::CpuResources& cpu, bool unified, std::vector<CgroupSetting>& settings) {
    unified ? add_unified_cpu(cpu, settings) : add_v1_cpu(cpu, settings);
    if (!cpu.cpus.empty())
        settings.push_back({"cpuset", "cpuset.cpus", cpu.cpus});
    if (!cpu.mems.empty())
        settings.push_back({"cpuset", "cpuset.mems", cpu.mems});
}

}  // namespace

std::vector<CgroupSetting> host_limits(const oci::Resources& resources, std::uint64_t memory_bytes,
                                       bool unified) {
    std::vector<CgroupSetting> settings;
    if (resources.memory && resources.memory->limit.value_or(-1) > 0)
        settings.push_back(
            {"memory", unified ? "memory.max" : "memory.limit_in_bytes", fmt::format("{}", memory_bytes)});
    if (resources.cpu)
        add_cpu(*resources.cpu, unified, settings);
    return settings;
}

}  // namespace nacre::runtime
