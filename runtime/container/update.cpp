#include "runtime/container/cgroup_of.h"
#include "runtime/container/lifecycle.h"
#include "runtime/container/resources.h"
#include "runtime/container/saved_config.h"
#include "runtime/oci/parser.h"
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

/// The guest first: what it refuses, the host's cgroup need not take.
Result<void> apply(const ContainerState& state, const std::string& text, const oci::Resources& resources,
                   const VmSize& size) {
    NACRE_TRY(call_agent(state.vm_directory, protocol::UpdateContainer{state.id, text}, answer_timeout_ms));
    return open_cgroup(cgroup_of(state))->limit(resources, size.memory_bytes + host_overhead_bytes);
}

/// Of the VM that the container runs in.
Result<VmSize> size_of_vm(const Store& store, const ContainerState& state) {
    NACRE_ASSIGN(const auto directory, store.open(state.sandbox_id.empty() ? state.id : state.sandbox_id));
    NACRE_ASSIGN(const auto spec, load_saved_config(directory));
    return vm_size(spec, host_memory_bytes());
}

}  // namespace

Result<void> update(const Store& store, const std::string& id, const std::string& change) {
    NACRE_ASSIGN(const auto directory, store.open(id));
    NACRE_TRY(directory.lock(lock_timeout_ms));
    NACRE_ASSIGN(const auto state, directory.read());
    NACRE_TRY(check_can_update(current_status(state)));
    NACRE_ASSIGN(const auto present_text, load_resources(directory));
    NACRE_ASSIGN(const auto present, oci::parse_resources(present_text));
    NACRE_ASSIGN(const auto wanted_text, merge_resources(present_text, change));
    NACRE_ASSIGN(const auto wanted, oci::parse_resources(wanted_text));
    NACRE_TRY(oci::validate(wanted, "resources: "));
    NACRE_TRY(check_supported(wanted));
    NACRE_ASSIGN(const auto size, size_of_vm(store, state));
    NACRE_TRY(check_fits(wanted, present, size));
    auto applied = apply(state, wanted_text, wanted, size);
    if (!applied) {
        // As far as can be; why the new limits were refused is what counts.
        [[maybe_unused]] const auto restored = apply(state, present_text, present, size);
        return applied;
    }
    return save_resources(directory, wanted_text);
}

}  // namespace nacre::runtime
