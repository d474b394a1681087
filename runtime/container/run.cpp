#include <unistd.h>

#include <optional>

#include "runtime/container/foreground.h"
#include "runtime/container/lifecycle.h"
#include "runtime/container/saved_config.h"
#include "runtime/container/start.h"
#include "vmm/base/thread.h"

namespace nacre::runtime {

namespace {

constexpr std::size_t stack_bytes = 256 << 10;

/// Why the container ended, if not by itself.
std::string cause_of_end(const Store& store, const std::string& id) {
    const auto directory = store.open(id);
    const auto state = directory ? directory->read() : tl::unexpected(directory.error());
    return state && state->exit ? state->exit->cause : std::string();
}

Result<ProcessTerminal> callers_terminal(const Store& store, const std::string& id) {
    NACRE_ASSIGN(const auto directory, store.open(id));
    NACRE_ASSIGN(const auto spec, load_saved_config(directory));
    return choose_terminal(*spec.process, false, "");
}

/// The service manager supervises the one who waits: this process.
Result<std::optional<Thread>> tell_readiness(Readiness& readiness) {
    if (!readiness.is_awaited())
        return std::nullopt;
    NACRE_ASSIGN(auto telling, Thread::start("readiness", stack_bytes,
                                             [&readiness] { (void)readiness.wait_and_tell(::getpid()); }));
    return std::optional(std::move(telling));
}

/// Until the container has ended; its exit status.
Result<int> run_in_foreground(const Store& store, const std::string& id, const Warn& warn) {
    NACRE_ASSIGN(const auto terminal, callers_terminal(store, id));
    NACRE_ASSIGN(const auto foreground, Foreground::begin(terminal.caller.get()));
    NACRE_ASSIGN(auto started, begin_start(store, id, warn));
    NACRE_ASSIGN(const auto telling, tell_readiness(started.readiness));
    return foreground.wait_for(started.relay);
}

Result<int> start_and_wait(const Store& store, const std::string& id, const RunOptions& options,
                           const Warn& warn) {
    if (!options.detach)
        return run_in_foreground(store, id, warn);
    NACRE_TRY(start(store, id, warn));
    return 0;
}

}  // namespace

Result<int> run(const Store& store, const CreateOptions& options, const RunOptions& run_options) {
    auto create_options = options;
    create_options.detached = run_options.detach;
    NACRE_TRY(create(store, create_options));
    const auto status = start_and_wait(store, options.id, run_options, options.warn);
    if (!status) {
        [[maybe_unused]] const auto removed = delete_container(store, options.id, true, options.warn);
        return status;
    }
    if (run_options.detach)
        return 0;
    const auto cause = cause_of_end(store, options.id);
    if (!run_options.keep)
        NACRE_TRY(delete_container(store, options.id, true, options.warn));
    if (!cause.empty())
        return tl::unexpected(Error{fmt::format("container {}: {}", options.id, cause), *status});
    return status;
}

}  // namespace nacre::runtime
