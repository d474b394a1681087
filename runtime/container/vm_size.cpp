#include "runtime/container/vm_size.h"

#include <sys/sysinfo.h>
#include <unistd.h>

#include <algorithm>
#include <charconv>
#include <string_view>

#include "runtime/container/pod.h"
#include "runtime/oci/unified_limits.h"

namespace nacre::runtime {

namespace {

constexpr std::uint64_t mebibyte = 1ULL << 20;
constexpr std::uint64_t gibibyte = 1ULL << 30;
constexpr std::uint64_t min_memory_bytes = 64 * mebibyte;
constexpr std::uint64_t max_memory_bytes = 4096 * gibibyte;
constexpr std::uint32_t max_vcpus = 32;
constexpr std::int64_t default_cpu_period = 100'000;  // microseconds, as the kernel's

/// A number in an annotation, which may be any text: nothing unless it is all of it.
template <class Number>
std::optional<Number> number_in(const oci::Spec& spec, std::string_view name) {
    const auto annotation = spec.annotations.find(std::string(name));
    if (annotation == spec.annotations.end())
        return std::nullopt;
    const auto& text = annotation->second;
    Number number = 0;
    const auto parsed = std::from_chars(text.data(), text.data() + text.size(), number);
    if (parsed.ec != std::errc() || parsed.ptr != text.data() + text.size())
        return std::nullopt;
    return number;
}

/// Kubernetes' limits of a pod as a whole, as containerd (since 1.7) passes them on; 0: none.
void take_pod_limits(const oci::Spec& spec, oci::Resources& limits) {
    if (!is_sandbox(spec.annotations))
        return;
    if (const auto memory = number_in<std::int64_t>(spec, "io.kubernetes.cri.sandbox-memory");
        memory.value_or(0) > 0) {
        if (!limits.memory)
            limits.memory.emplace();
        limits.memory->limit = memory;
    }
    if (const auto quota = number_in<std::int64_t>(spec, "io.kubernetes.cri.sandbox-cpu-quota");
        quota.value_or(0) > 0) {
        if (!limits.cpu)
            limits.cpu.emplace();
        limits.cpu->quota = quota;
        limits.cpu->period = number_in<std::uint64_t>(spec, "io.kubernetes.cri.sandbox-cpu-period");
    }
}

std::uint64_t memory_for(const oci::Resources& limits) {
    if (!limits.memory || limits.memory->limit.value_or(-1) <= 0)
        return default_memory_bytes;
    const auto limit = static_cast<std::uint64_t>(*limits.memory->limit);
    return limit + guest_overhead(limit);
}

std::uint64_t vcpus_for(const oci::Resources& limits) {
    if (!limits.cpu || limits.cpu->quota.value_or(-1) <= 0)
        return 1;
    const auto quota = static_cast<std::uint64_t>(*limits.cpu->quota);
    const auto period = limits.cpu->period.value_or(0) == 0 ? default_cpu_period : *limits.cpu->period;
    return quota / period + (quota % period != 0 ? 1 : 0);
}

/// Each that the guest's kernel must be ready for costs 0.2 MiB of its memory: so not all of a large host's.
std::uint32_t vcpus_to_grow_to(std::uint32_t vcpus, std::uint32_t host_cpus) {
    constexpr std::uint32_t least = 8;
    return std::clamp(std::min(host_cpus, std::max(least, 4 * vcpus)), vcpus, max_vcpus);
}

std::uint64_t whole_mebibytes(std::uint64_t bytes) {
    return (bytes + mebibyte - 1) / mebibyte * mebibyte;
}

}  // namespace

std::uint64_t guest_overhead(std::uint64_t limit) {
    constexpr std::uint64_t bytes_per_byte_of_table = 64;  // struct page is 64 bytes
    return 48 * mebibyte + (std::max(limit, gibibyte) - gibibyte) / bytes_per_byte_of_table;
}

HostSize host_size() {
    struct sysinfo information {};
    ::sysinfo(&information);
    const auto cpus = ::sysconf(_SC_NPROCESSORS_ONLN);
    return {information.totalram * information.mem_unit, static_cast<std::uint32_t>(std::max(cpus, 1L))};
}

VmSize vm_size(const oci::Spec& spec, const HostSize& host) {
    auto limits = oci::with_unified_limits(spec.linux.resources.value_or(oci::Resources{}));
    take_pod_limits(spec, limits);
    const auto hardware = spec.vm && spec.vm->hw_config ? *spec.vm->hw_config : oci::VmHardware{};
    const auto most = std::clamp(host.memory_bytes, min_memory_bytes, max_memory_bytes);
    VmSize size;
    size.memory_bytes = whole_mebibytes(
        std::clamp(hardware.memory ? *hardware.memory : memory_for(limits), min_memory_bytes, most));
    size.max_memory_bytes = hardware.memory ? size.memory_bytes : whole_mebibytes(most);
    const std::uint64_t vcpus =
        hardware.vcpus ? *hardware.vcpus : std::min<std::uint64_t>(vcpus_for(limits), host.cpus);
    size.vcpus = static_cast<std::uint32_t>(std::clamp<std::uint64_t>(vcpus, 1, max_vcpus));
    size.max_vcpus = hardware.vcpus ? size.vcpus : vcpus_to_grow_to(size.vcpus, host.cpus);
    return size;
}

}  // namespace nacre::runtime
