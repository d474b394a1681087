#include "runtime/cgroup/limits.h"

#include <fmt/format.h>

#include <algorithm>
#include <limits>
#include <string_view>

#include "runtime/oci/cpu_weight.h"
#include "runtime/oci/io_weight.h"
#include "runtime/oci/unified_limits.h"

namespace nacre::runtime {

namespace {

constexpr std::uint64_t default_period = 100'000;

/// What cgroup v1 shows where there is no limit: the largest number of whole pages in a signed number.
constexpr std::uint64_t no_limit = 0x7ffffffffffff000;

/// An idle group has no weight of its own: the kernel refuses one.
bool has_weight(const oci::CpuResources& cpu) {
    return cpu.shares.value_or(0) != 0 && cpu.idle.value_or(0) != 1;
}

void add_unified_cpu(const oci::CpuResources& cpu, std::vector<CgroupSetting>& settings) {
    if (has_weight(cpu))
        settings.push_back({"cpu", "cpu.weight", fmt::format("{}", oci::cpu_weight(*cpu.shares))});
    if (cpu.quota.value_or(0) != 0 || cpu.period.value_or(0) != 0) {
        const auto quota = cpu.quota.value_or(-1) > 0 ? fmt::format("{}", *cpu.quota) : std::string("max");
        const auto period = cpu.period.value_or(0) == 0 ? default_period : *cpu.period;
        settings.push_back({"cpu", "cpu.max", fmt::format("{} {}", quota, period)});
    }
    if (cpu.burst)
        settings.push_back({"cpu", "cpu.max.burst", fmt::format("{}", *cpu.burst)});
}

void add_v1_cpu(const oci::CpuResources& cpu, std::vector<CgroupSetting>& settings) {
    if (has_weight(cpu))
        settings.push_back({"cpu", "cpu.shares", fmt::format("{}", *cpu.shares)});
    if (cpu.period.value_or(0) != 0)
        settings.push_back({"cpu", "cpu.cfs_period_us", fmt::format("{}", *cpu.period)});
    if (cpu.quota.value_or(0) != 0)
        settings.push_back({"cpu", "cpu.cfs_quota_us", fmt::format("{}", *cpu.quota)});
    if (cpu.burst)
        settings.push_back({"cpu", "cpu.cfs_burst_us", fmt::format("{}", *cpu.burst)});
}

void add_memory(std::uint64_t bytes, bool unified, std::vector<CgroupSetting>& settings) {
    if (unified)
        settings.push_back({"memory", "memory.max", bytes == no_limit ? "max" : fmt::format("{}", bytes)});
    else
        settings.push_back({"memory", "memory.limit_in_bytes", fmt::format("{}", bytes)});
}

/// A limit of 0 is one of 1 (guest-agent/container/cgroup_settings.cpp).
void add_tasks(std::int64_t workload, std::vector<CgroupSetting>& settings) {
    const bool limited =
        workload >= 0 && workload <= std::numeric_limits<std::int64_t>::max() - host_overhead_tasks;
    settings.push_back({"pids", "pids.max",
                        limited ? fmt::format("{}", std::max<std::int64_t>(1, workload) + host_overhead_tasks)
                                : std::string("max")});
}

void add_cpu(const oci::CpuResources& cpu, bool unified, std::vector<CgroupSetting>& settings) {
    if (cpu.idle)
        settings.push_back({"cpu", "cpu.idle", fmt::format("{}", *cpu.idle)});
    unified ? add_unified_cpu(cpu, settings) : add_v1_cpu(cpu, settings);
    if (!cpu.cpus.empty())
        settings.push_back({"cpuset", "cpuset.cpus", cpu.cpus});
    if (!cpu.mems.empty())
        settings.push_back({"cpuset", "cpuset.mems", cpu.mems});
}

void add_throttles(const std::vector<oci::BlockThrottle>& throttles, const char* key, const char* v1_file,
                   bool unified, std::vector<CgroupSetting>& settings) {
    for (const auto& throttle : throttles) {
        const auto device = fmt::format("{}:{}", throttle.major, throttle.minor);
        if (!unified) {
            settings.push_back({"blkio", v1_file, fmt::format("{} {}", device, throttle.rate)});
            continue;
        }
        const auto rate = throttle.rate == 0 ? std::string("max") : fmt::format("{}", throttle.rate);
        settings.push_back({"io", "io.max", fmt::format("{} {}={}", device, key, rate)});
    }
}

void add_block_io(const oci::BlockIoResources& io, bool unified, std::vector<CgroupSetting>& settings) {
    if (io.weight.value_or(0) != 0 && unified)
        settings.push_back({"io", "io.weight", fmt::format("{}", oci::io_weight(*io.weight))});
    else if (io.weight.value_or(0) != 0)
        settings.push_back({"blkio", "blkio.weight", fmt::format("{}", *io.weight)});
    for (const auto& device : io.weight_device) {
        if (device.weight.value_or(0) != 0)
            settings.push_back({unified ? "io" : "blkio", unified ? "io.weight" : "blkio.weight_device",
                                fmt::format("{}:{} {}", device.major, device.minor,
                                            unified ? oci::io_weight(*device.weight) : *device.weight)});
    }
    add_throttles(io.throttle_read_bps_device, "rbps", "blkio.throttle.read_bps_device", unified, settings);
    add_throttles(io.throttle_write_bps_device, "wbps", "blkio.throttle.write_bps_device", unified, settings);
    add_throttles(io.throttle_read_iops_device, "riops", "blkio.throttle.read_iops_device", unified,
                  settings);
    add_throttles(io.throttle_write_iops_device, "wiops", "blkio.throttle.write_iops_device", unified,
                  settings);
}

/// The kernel takes one device a write.
void add_lines(const std::string& file, std::string_view lines, std::vector<CgroupSetting>& settings) {
    while (!lines.empty()) {
        const auto end = std::min(lines.find('\n'), lines.size());
        if (end > 0)
            settings.push_back({"io", file, std::string(lines.substr(0, end))});
        lines.remove_prefix(std::min(end + 1, lines.size()));
    }
}

/// What the guest's cgroup cannot know as the host's does: its share beside other VMs, and the host's
/// devices.
void add_unified(const oci::StringMap& files, bool unified, std::vector<CgroupSetting>& settings) {
    for (const auto& [file, value] : files) {
        if (unified && file == "cpu.weight")
            settings.push_back({"cpu", file, value});
        if (oci::names_device(file, value) || (unified && file == "io.weight"))
            add_lines(file, value, settings);
    }
}

}  // namespace

std::vector<CgroupSetting> host_limits(const oci::Resources& configured, std::uint64_t memory_bytes,
                                       bool unified) {
    const auto resources = oci::with_unified_limits(configured);
    std::vector<CgroupSetting> settings;
    if (resources.memory && resources.memory->limit.value_or(0) != 0)
        add_memory(*resources.memory->limit > 0 ? memory_bytes : no_limit, unified, settings);
    if (resources.cpu)
        add_cpu(*resources.cpu, unified, settings);
    if (resources.pids_limit)
        add_tasks(*resources.pids_limit, settings);
    if (resources.block_io)
        add_block_io(*resources.block_io, unified, settings);
    add_unified(resources.unified, unified, settings);
    return settings;
}

}  // namespace nacre::runtime
