#include "runtime/container/hooks.h"
#include "runtime/container/lifecycle.h"
#include "runtime/container/saved_config.h"
#include "runtime/container/teardown.h"

namespace nacre::runtime {

namespace {

constexpr int lock_timeout_ms = 30'000;

Result<void> delete_locked(const ContainerDirectory& directory, bool force) {
    const auto state = directory.read();
    if (!state && force)
        return tear_down(directory, recover_state(directory));
    if (!state)
        return tl::unexpected(state.error());
    if (!force)
        NACRE_TRY(check_can_delete(current_status(*state), state->id));
    const auto spec = load_saved_config(directory);
    NACRE_TRY(tear_down(directory, *state));
    if (!spec)
        return {};  // never fully created: no hook was promised
    return run_hooks(spec->hooks.poststop, "poststop", oci_state_json(*state, Status::stopped, false),
                     state->bundle);
}

}  // namespace

Result<void> delete_container(const Store& store, const std::string& id, bool force) {
    const auto directory = store.open(id);
    if (!directory)
        return force && directory.error().code == ENOENT ? Result<void>() : tl::unexpected(directory.error());
    const auto locked = directory->lock(lock_timeout_ms);
    if (!locked)
        return force && locked.error().code == ENOENT ? Result<void>() : locked;
    return delete_locked(*directory, force);
}

}  // namespace nacre::runtime
