#include "runtime/container/foreground.h"
#include "runtime/container/lifecycle.h"

namespace nacre::runtime {

namespace {

/// Why the container ended, if not by itself.
std::string cause_of_end(const Store& store, const std::string& id) {
    const auto directory = store.open(id);
    const auto state = directory ? directory->read() : tl::unexpected(directory.error());
    return state && state->exit ? state->exit->cause : std::string();
}

Result<pid_t> start_created(const Store& store, const std::string& id) {
    NACRE_TRY(start(store, id));
    NACRE_ASSIGN(const auto directory, store.open(id));
    NACRE_ASSIGN(const auto state, directory.read());
    return state.relay.pid;
}

}  // namespace

Result<int> run(const Store& store, const CreateOptions& options, const RunOptions& run_options) {
    NACRE_TRY(create(store, options));
    const auto signals = run_options.detach ? sigset_t{} : block_signals();
    const auto relay = start_created(store, options.id);
    if (!relay) {
        [[maybe_unused]] const auto removed = delete_container(store, options.id, true);
        return tl::unexpected(relay.error());
    }
    if (run_options.detach)
        return 0;
    const int status = wait_for_relay(*relay, signals);
    const auto cause = cause_of_end(store, options.id);
    if (!run_options.keep)
        NACRE_TRY(delete_container(store, options.id, true));
    if (!cause.empty())
        return tl::unexpected(Error{fmt::format("container {}: {}", options.id, cause), status});
    return status;
}

}  // namespace nacre::runtime
