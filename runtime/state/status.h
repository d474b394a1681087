#pragma once

#include <optional>
#include <string_view>

#include "vmm/base/result.h"

namespace nacre::runtime {

/// The states of a container (OCI runtime-spec, runtime.md "State"; "paused" is runc's).
enum class Status { creating, created, running, paused, stopped };

/// "creating", "created", …: callers compare these words.
std::string_view name_of(Status status);
std::optional<Status> status_named(std::string_view name);

/// The OCI state table: what may be done with a container in which state.
constexpr bool can_start(Status status) {
    return status == Status::created;
}
constexpr bool can_kill(Status status) {
    return status == Status::created || status == Status::running || status == Status::paused;
}
/// Without --force. A created container is killed first, as runc does.
constexpr bool can_delete(Status status) {
    return status == Status::created || status == Status::stopped;
}
constexpr bool can_exec(Status status) {
    return status == Status::created || status == Status::running;
}
constexpr bool can_pause(Status status) {
    return status == Status::created || status == Status::running;
}
constexpr bool can_resume(Status status) {
    return status == Status::paused;
}
constexpr bool can_update(Status status) {
    return can_kill(status);
}

/// The same as errors, in runc's words, which callers search for.
Result<void> check_can_start(Status status);
Result<void> check_can_kill(Status status);
Result<void> check_can_delete(Status status, std::string_view id);
Result<void> check_can_exec(Status status);
Result<void> check_can_pause(Status status);
Result<void> check_can_resume(Status status);
Result<void> check_can_update(Status status);

}  // namespace nacre::runtime
