#include "runtime/container/lifecycle.h"
#include "runtime/vm/agent_connection.h"

namespace nacre::runtime {

namespace {

constexpr int lock_timeout_ms = 30'000;
constexpr int answer_timeout_ms = 10'000;

Result<void> freeze(const ContainerState& state, bool frozen) {
    NACRE_TRY(call_agent(state.vm_directory, protocol::FreezeContainer{state.id, frozen}, answer_timeout_ms));
    return {};
}

Result<void> freeze_and_record(const ContainerDirectory& directory, ContainerState& state) {
    NACRE_TRY(freeze(state, true));
    state.paused = true;
    return directory.write(state);
}

}  // namespace

Result<void> pause(const Store& store, const std::string& id) {
    NACRE_ASSIGN(const auto directory, store.open(id));
    NACRE_TRY(directory.lock(lock_timeout_ms));
    NACRE_ASSIGN(auto state, directory.read());
    NACRE_TRY(check_can_pause(current_status(state)));
    auto paused = freeze_and_record(directory, state);
    if (!paused) {
        // Neither paused nor running is worse than running; why it could not be paused is what counts.
        [[maybe_unused]] const auto thawed = freeze(state, false);
        return add_context(std::move(paused).error(), "pause container " + id);
    }
    return {};
}

Result<void> resume(const Store& store, const std::string& id) {
    NACRE_ASSIGN(const auto directory, store.open(id));
    NACRE_TRY(directory.lock(lock_timeout_ms));
    NACRE_ASSIGN(auto state, directory.read());
    NACRE_TRY(check_can_resume(current_status(state)));
    NACRE_TRY(freeze(state, false));
    state.paused = false;
    return directory.write(state);
}

}  // namespace nacre::runtime
