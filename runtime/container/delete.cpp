#include <cerrno>

#include "runtime/container/host_hooks.h"
#include "runtime/container/lifecycle.h"
#include "runtime/container/pod_size.h"
#include "runtime/container/saved_config.h"
#include "runtime/container/teardown.h"
#include "runtime/container/vm_resize.h"

namespace nacre::runtime {

namespace {

constexpr int lock_timeout_ms = 30'000;

/// What a forced deletion gives another command to finish.
constexpr int patience_ms = 2'000;

/// One that fails hinders neither the others nor the deletion (runtime.md, "Lifecycle", step 13).
void run_poststop_hooks(const oci::Hooks& hooks, const ContainerState& state, const Warn& warn) {
    for (const auto& hook : hooks.poststop) {
        const auto result = run_host_hooks({hook}, "poststop", state, Status::stopped);
        if (!result && warn)
            warn(result.error().message);
    }
}

/// What the others of a pod do not need any more.
void give_back(const Store& store, const ContainerState& state) {
    if (state.sandbox_id.empty() || !is_alive(state.vmm))
        return;
    if (const auto size = pod_size(store, state.sandbox_id, state.id, nullptr))
        shrink_vm_later(state.vm_directory, *size);
}

/// A command that waits for the guest, for a hook in it or an agent that never answers, has the lock for as
/// long. It fails when the guest ends.
Result<void> lock_by_force(const ContainerDirectory& directory) {
    auto locked = directory.lock(patience_ms);
    if (locked || locked.error().code == ENOENT)
        return locked;
    if (const auto state = directory.read())
        (void)stop_processes(*state);
    return directory.lock(lock_timeout_ms);
}

Result<void> delete_locked(const Store& store, const ContainerDirectory& directory, bool force,
                           const Warn& warn) {
    const auto state = directory.read();
    if (!state && force)
        return tear_down(directory, recover_state(directory));
    if (!state)
        return tl::unexpected(state.error());
    if (!force)
        NACRE_TRY(check_can_delete(current_status(*state), state->id));
    const auto spec = load_saved_config(directory);
    NACRE_TRY(tear_down(directory, *state));
    give_back(store, *state);
    if (!spec)
        return {};  // never fully created: no hook was promised
    run_poststop_hooks(spec->hooks, *state, warn);
    return {};
}

}  // namespace

Result<void> delete_container(const Store& store, const std::string& id, bool force, const Warn& warn) {
    const auto directory = store.open(id);
    if (!directory)
        return force && directory.error().code == ENOENT ? Result<void>() : tl::unexpected(directory.error());
    const auto locked = force ? lock_by_force(*directory) : directory->lock(lock_timeout_ms);
    if (!locked)
        return force && locked.error().code == ENOENT ? Result<void>() : locked;
    return delete_locked(store, *directory, force, warn);
}

}  // namespace nacre::runtime
