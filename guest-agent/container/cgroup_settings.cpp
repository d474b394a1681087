#include "guest-agent/container/cgroup_settings.h"

#include <fmt/format.h>

#include <algorithm>

#include "runtime/oci/cpu_weight.h"
#include "runtime/oci/io_weight.h"
#include "runtime/oci/unified_limits.h"

namespace nacre::agent {

namespace {

std::string bytes_or_max(std::int64_t bytes) {
    return bytes < 0 ? "max" : std::to_string(bytes);
}

/// OCI's swap limit counts memory and swap together, cgroup v2's swap alone.
std::string swap_alone(std::int64_t memory_and_swap, std::optional<std::int64_t> memory) {
    if (memory_and_swap < 0)
        return "max";
    return std::to_string(
        std::max<std::int64_t>(0, memory_and_swap - std::max<std::int64_t>(0, memory.value_or(0))));
}

void add_memory(std::vector<CgroupSetting>& settings, const oci::MemoryResources& memory) {
    // 0 is "not given": callers written in Go send it so.
    if (memory.swap.value_or(0) != 0)
        settings.push_back({"memory.swap.max", swap_alone(*memory.swap, memory.limit), true});
    if (memory.limit.value_or(0) != 0)
        settings.push_back({"memory.max", bytes_or_max(*memory.limit)});
    if (memory.reservation.value_or(0) != 0)
        settings.push_back({"memory.low", bytes_or_max(*memory.reservation)});
}

void add_cpu(std::vector<CgroupSetting>& settings, const oci::CpuResources& cpu) {
    if (cpu.idle)
        settings.push_back({"cpu.idle", std::to_string(*cpu.idle)});
    // An idle group has no weight of its own: the kernel refuses one.
    if (cpu.shares.value_or(0) != 0 && cpu.idle.value_or(0) != 1)
        settings.push_back({"cpu.weight", std::to_string(oci::cpu_weight(*cpu.shares))});
    constexpr std::uint64_t default_period = 100'000;
    const auto period = cpu.period.value_or(0) == 0 ? default_period : *cpu.period;
    if (cpu.quota.value_or(0) != 0 || cpu.period.value_or(0) != 0) {
        const auto quota = cpu.quota.value_or(0) > 0 ? std::to_string(*cpu.quota) : "max";
        settings.push_back({"cpu.max", fmt::format("{} {}", quota, period)});
    }
    if (cpu.burst)
        settings.push_back({"cpu.max.burst", std::to_string(*cpu.burst)});
    if (!cpu.cpus.empty())
        settings.push_back({"cpuset.cpus", cpu.cpus, true});
    if (!cpu.mems.empty())
        settings.push_back({"cpuset.mems", cpu.mems, true});
}

/// A limit of 0 is one, too: the least that lets a container run, as in runc since 1.4.
std::string process_limit(std::int64_t limit) {
    return limit < 0 ? "max" : std::to_string(std::max<std::int64_t>(1, limit));
}

}  // namespace

std::vector<CgroupSetting> cgroup_settings(const oci::Resources& resources) {
    std::vector<CgroupSetting> settings;
    if (resources.memory)
        add_memory(settings, *resources.memory);
    if (resources.cpu)
        add_cpu(settings, *resources.cpu);
    if (resources.pids_limit)
        settings.push_back({"pids.max", process_limit(*resources.pids_limit)});
    if (resources.block_io && resources.block_io->weight.value_or(0) != 0)
        settings.push_back({"io.weight", std::to_string(oci::io_weight(*resources.block_io->weight))});
    for (const auto& page : resources.hugepage_limits) {
        settings.push_back({fmt::format("hugetlb.{}.max", page.page_size), std::to_string(page.limit)});
        // Reservations would get round a limit on use alone.
        settings.push_back({fmt::format("hugetlb.{}.rsvd.max", page.page_size), std::to_string(page.limit)});
    }
    for (const auto& [file, value] : resources.unified)
        if (!oci::names_device(file, value))
            settings.push_back({file, value});
    return settings;
}

}  // namespace nacre::agent
