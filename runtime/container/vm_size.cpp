#include "runtime/container/vm_size.h"

#include <sys/sysinfo.h>

#include <algorithm>

#include "runtime/oci/unified_limits.h"

namespace nacre::runtime {

namespace {

constexpr std::uint64_t mebibyte = 1ULL << 20;
constexpr std::uint64_t min_memory_bytes = 64 * mebibyte;
constexpr std::uint32_t max_vcpus = 32;
constexpr std::int64_t default_cpu_period = 100'000;  // microseconds, as the kernel's

std::uint64_t wanted_memory(const oci::Spec& spec, const oci::Resources& limits) {
    if (spec.vm && spec.vm->hw_config && spec.vm->hw_config->memory)
        return *spec.vm->hw_config->memory;
    if (!limits.memory || limits.memory->limit.value_or(-1) <= 0)
        return default_memory_bytes;
    const auto limit = static_cast<std::uint64_t>(*limits.memory->limit);
    return limit > UINT64_MAX - guest_overhead_bytes ? UINT64_MAX : limit + guest_overhead_bytes;
}

std::uint64_t wanted_vcpus(const oci::Spec& spec, const oci::Resources& limits) {
    if (spec.vm && spec.vm->hw_config && spec.vm->hw_config->vcpus)
        return *spec.vm->hw_config->vcpus;
    if (!limits.cpu || limits.cpu->quota.value_or(-1) <= 0)
        return 1;
    const auto quota = static_cast<std::uint64_t>(*limits.cpu->quota);
    const auto period = std::max<std::uint64_t>(1, limits.cpu->period.value_or(default_cpu_period));
    return quota / period + (quota % period != 0 ? 1 : 0);
}

}  // namespace

std::uint64_t host_memory_bytes() {
    struct sysinfo information {};
    ::sysinfo(&information);
    return information.totalram * information.mem_unit;
}

VmSize vm_size(const oci::Spec& spec, std::uint64_t host_memory_bytes) {
    const auto limits = oci::with_unified_limits(spec.linux.resources.value_or(oci::Resources{}));
    const auto memory = std::clamp(wanted_memory(spec, limits), min_memory_bytes,
                                   std::max(min_memory_bytes, host_memory_bytes));
    VmSize size;
    size.memory_bytes = (memory + mebibyte - 1) / mebibyte * mebibyte;
    size.vcpus =
        static_cast<std::uint32_t>(std::clamp<std::uint64_t>(wanted_vcpus(spec, limits), 1, max_vcpus));
    return size;
}

}  // namespace nacre::runtime
