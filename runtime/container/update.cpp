#include <algorithm>

#include "runtime/container/cgroup_of.h"
#include "runtime/container/lifecycle.h"
#include "runtime/container/pod_size.h"
#include "runtime/container/resources.h"
#include "runtime/container/saved_config.h"
#include "runtime/container/vm_resize.h"
#include "runtime/oci/parser.h"
#include "runtime/oci/unified_limits.h"
#include "runtime/oci/validation.h"
#include "runtime/vm/agent_connection.h"

namespace nacre::runtime {

namespace {

constexpr int lock_timeout_ms = 30'000;
// Lowering a memory limit waits until the guest has given pages back.
constexpr int answer_timeout_ms = 30'000;

Result<void> check_supported(const oci::Resources& resources) {
    const auto& memory = resources.memory;
    // Together with a limit on memory alone there is no other way to read it.
    if (memory && memory->limit.value_or(0) > 0 && memory->swap.value_or(0) > 0 &&
        *memory->swap < *memory->limit)
        return fail("memory+swap limit should be >= memory limit");
    return {};
}

/// What the container has, or is to have: limits and the VM for them.
struct Limits {
    std::string text;
    oci::Resources resources;
    VmSize size;
    std::uint64_t member_bytes = 0;  // for the cgroup of a container whose VM is in another one; 0: it is in its own

    std::uint64_t cgroup_bytes(std::uint64_t vm_bytes) const {
        return (member_bytes > 0 ? member_bytes : vm_bytes) + host_overhead_bytes;
    }
};

Result<Limits> limits_of(const Store& store, const ContainerState& state, oci::Spec spec, std::string text,
                         oci::Resources resources) {
    spec.linux.resources = resources;
    const auto own = vm_size(spec, host_size());
    if (state.sandbox_id.empty())
        return Limits{std::move(text), std::move(resources), own};
    NACRE_ASSIGN(const auto size, pod_size(store, state.sandbox_id, state.id, &resources));
    return Limits{std::move(text), std::move(resources), size, own.memory_bytes};
}

/// A container without a limit may use what its VM has.
VmSize size_to_shrink_to(const Limits& limits, std::uint64_t present_bytes) {
    const auto effective = oci::with_unified_limits(limits.resources);
    auto size = limits.size;
    if (!effective.memory || effective.memory->limit.value_or(0) <= 0)
        size.memory_bytes = std::max(size.memory_bytes, present_bytes);
    if (!effective.cpu || effective.cpu->quota.value_or(0) <= 0)
        size.vcpus = UINT32_MAX;
    return size;
}

void warn_of_shortfall(std::uint32_t vcpus, const VmSize& wanted, const Warn& warn) {
    if (vcpus < wanted.vcpus && warn)
        warn(fmt::format(
            "the virtual machine cannot have more than {} CPU(s); create the container anew for {}", vcpus,
            wanted.vcpus));
}

void warn_of_kept(const Kept& kept, const Warn& warn) {
    if (kept.memory_bytes > 0 && warn)
        warn(fmt::format("the virtual machine keeps {} MiB of memory that its kernel could not free",
                         kept.memory_bytes >> 20));
    if (kept.vcpus > 0 && warn)
        warn(fmt::format("the virtual machine keeps {} CPU(s) that its kernel could not take offline",
                         kept.vcpus));
}

/// Room first: the host's cgroup, then the VM. Then the guest, as what it refuses the host need not take;
/// then what is not needed any more.
Result<void> apply(const ContainerState& state, const Limits& limits, const Warn& warn) {
    const auto& vm = state.vm_directory;
    const auto cgroup = open_cgroup(cgroup_of(state));
    NACRE_ASSIGN(const auto present, vm_memory(vm));
    if (limits.size.memory_bytes > present)
        NACRE_TRY(cgroup->limit(limits.resources, limits.cgroup_bytes(limits.size.memory_bytes)));
    NACRE_ASSIGN(const auto vcpus, grow_vm(vm, limits.size));
    warn_of_shortfall(vcpus, limits.size, warn);
    NACRE_TRY(call_agent(vm, protocol::UpdateContainer{state.id, limits.text}, answer_timeout_ms));
    NACRE_ASSIGN(const auto kept, shrink_vm(vm, size_to_shrink_to(limits, present)));
    warn_of_kept(kept, warn);
    NACRE_ASSIGN(const auto after, vm_memory(vm));
    return cgroup->limit(limits.resources, limits.cgroup_bytes(after));
}

/// Of the VM that the container runs in.
Result<oci::VmHardware> hardware_of(const Store& store, const ContainerState& state) {
    NACRE_ASSIGN(const auto directory, store.open(state.sandbox_id.empty() ? state.id : state.sandbox_id));
    NACRE_ASSIGN(const auto spec, load_saved_config(directory));
    return spec.vm && spec.vm->hw_config ? *spec.vm->hw_config : oci::VmHardware{};
}

}  // namespace

Result<void> update(const Store& store, const std::string& id, const std::string& change, const Warn& warn) {
    NACRE_ASSIGN(const auto directory, store.open(id));
    NACRE_TRY(directory.lock(lock_timeout_ms));
    NACRE_ASSIGN(const auto state, directory.read());
    NACRE_TRY(check_can_update(current_status(state)));
    NACRE_ASSIGN(const auto spec, load_saved_config(directory));
    NACRE_ASSIGN(auto present_text, load_resources(directory));
    NACRE_ASSIGN(auto present, oci::parse_resources(present_text));
    NACRE_ASSIGN(auto wanted_text, merge_resources(present_text, change));
    NACRE_ASSIGN(auto wanted, oci::parse_resources(wanted_text));
    NACRE_TRY(oci::validate(wanted, "resources: "));
    NACRE_TRY(check_supported(wanted));
    NACRE_ASSIGN(const auto before,
                 limits_of(store, state, spec, std::move(present_text), std::move(present)));
    NACRE_ASSIGN(const auto after, limits_of(store, state, spec, std::move(wanted_text), std::move(wanted)));
    NACRE_ASSIGN(const auto hardware, hardware_of(store, state));
    NACRE_TRY(check_fits(after.resources, before.resources, hardware, after.size));
    const auto applied = apply(state, after, warn);
    if (!applied) {
        // As far as can be; why the new limits were refused is what counts.
        [[maybe_unused]] const auto restored = apply(state, before, {});
        return applied;
    }
    return save_resources(directory, after.text);
}

}  // namespace nacre::runtime
