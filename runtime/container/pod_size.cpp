#include "runtime/container/pod_size.h"

#include <algorithm>

#include "runtime/container/resources.h"
#include "runtime/container/saved_config.h"
#include "runtime/oci/parser.h"
#include "runtime/oci/unified_limits.h"

namespace nacre::runtime {

namespace {

constexpr std::uint64_t mebibyte = 1ULL << 20;

/// Its limits, if that container is of the pod and may run.
std::optional<oci::Resources> limits_of_member(const Store& store, const std::string& sandbox_id,
                                               const std::string& id) {
    const auto directory = store.open(id);
    const auto state = directory ? directory->read() : tl::unexpected(directory.error());
    if (!state || state->sandbox_id != sandbox_id || current_status(*state) == Status::stopped)
        return std::nullopt;
    const auto text = load_resources(*directory);
    const auto limits = text ? oci::parse_resources(*text) : tl::unexpected(text.error());
    return limits ? std::optional(*limits) : std::nullopt;
}

std::uint64_t saturating_sum(std::uint64_t one, std::uint64_t other) {
    return one > UINT64_MAX - other ? UINT64_MAX : one + other;
}

std::uint64_t memory_limit(const oci::Resources& limits) {
    const auto limit = limits.memory ? limits.memory->limit.value_or(0) : 0;
    return limit > 0 ? static_cast<std::uint64_t>(limit) : 0;
}

/// In thousandths of a CPU; 0 without a quota.
std::uint64_t cpu_quota(const oci::Resources& limits) {
    constexpr std::uint64_t default_period = 100'000;
    constexpr std::uint64_t most = std::uint64_t{1} << 40;
    if (!limits.cpu || limits.cpu->quota.value_or(0) <= 0)
        return 0;
    const auto period = limits.cpu->period.value_or(0) == 0 ? default_period : *limits.cpu->period;
    return std::min(static_cast<std::uint64_t>(*limits.cpu->quota), most) * 1000 / period;
}

}  // namespace

VmSize pod_size(const VmSize& sandbox, const std::vector<oci::Resources>& members) {
    std::uint64_t memory = 0;
    std::uint64_t quota = 0;
    bool unlimited = false;
    for (const auto& configured : members) {
        const auto limits = oci::with_unified_limits(configured);
        memory = saturating_sum(memory, memory_limit(limits));
        quota = saturating_sum(quota, cpu_quota(limits));
        unlimited = unlimited || memory_limit(limits) == 0;
    }
    auto size = sandbox;
    if (memory == 0 && quota == 0)
        return size;
    const auto beside = unlimited ? sandbox.memory_bytes : guest_overhead(memory);
    const auto wanted = std::min(saturating_sum(memory, beside), size.max_memory_bytes);
    size.memory_bytes = std::max(size.memory_bytes, (wanted + mebibyte - 1) / mebibyte * mebibyte);
    const auto vcpus = std::min<std::uint64_t>(quota / 1000 + (quota % 1000 != 0 ? 1 : 0), size.max_vcpus);
    size.vcpus = std::max(size.vcpus, static_cast<std::uint32_t>(vcpus));
    return size;
}

Result<VmSize> pod_size(const Store& store, const std::string& sandbox_id, const std::string& id,
                        const oci::Resources* resources) {
    NACRE_ASSIGN(const auto directory, store.open(sandbox_id));
    NACRE_ASSIGN(const auto spec, load_saved_config(directory));
    NACRE_ASSIGN(const auto ids, store.list());
    std::vector<oci::Resources> members;
    if (resources != nullptr)
        members.push_back(*resources);
    for (const auto& other : ids) {
        auto limits = other == id ? std::nullopt : limits_of_member(store, sandbox_id, other);
        if (limits)
            members.push_back(std::move(*limits));
    }
    return pod_size(vm_size(spec, host_size()), members);
}

}  // namespace nacre::runtime
