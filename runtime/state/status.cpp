#include "runtime/state/status.h"

#include <algorithm>
#include <array>

namespace nacre::runtime {

namespace {

constexpr std::array<std::string_view, 5> status_names{"creating", "created", "running", "paused", "stopped"};

}  // namespace

std::string_view name_of(Status status) {
    return status_names[static_cast<std::size_t>(status)];
}

std::optional<Status> status_named(std::string_view name) {
    const auto* found = std::find(status_names.begin(), status_names.end(), name);
    if (found == status_names.end())
        return std::nullopt;
    return static_cast<Status>(found - status_names.begin());
}

Result<void> check_can_start(Status status) {
    if (can_start(status))
        return {};
    if (status == Status::stopped)
        return fail("cannot start a container that has stopped");
    if (status == Status::running)
        return fail("cannot start an already running container");
    return fail("cannot start a container in the {} state", name_of(status));
}

Result<void> check_can_kill(Status status) {
    if (can_kill(status))
        return {};
    return fail("container not running");
}

Result<void> check_can_delete(Status status, std::string_view id) {
    if (can_delete(status))
        return {};
    return fail("cannot delete container {} that is not stopped: {}", id, name_of(status));
}

Result<void> check_can_exec(Status status) {
    if (can_exec(status))
        return {};
    if (status == Status::paused)
        return fail("cannot exec in a paused container (use --ignore-paused to override)");
    return fail("cannot exec in a {} container", name_of(status));
}

Result<void> check_can_pause(Status status) {
    if (can_pause(status))
        return {};
    return fail("container not running or created: {}", name_of(status));
}

Result<void> check_can_resume(Status status) {
    if (can_resume(status))
        return {};
    return fail("container not paused");
}

Result<void> check_can_update(Status status) {
    if (can_update(status))
        return {};
    return fail("container not running");
}

}  // namespace nacre::runtime
