#pragma once

#include <functional>
#include <string>

#include "runtime/state/store.h"

namespace nacre::runtime {

/// What a container uses now, as the line of `events` (statistics.h): CPU, memory and pids from its cgroup in
/// the guest, block I/O from the host's cgroup of its VM, where the devices are. An error for one that is
/// stopped.
Result<std::string> statistics(const Store& store, const std::string& id);

/// Called with each event, a line of JSON without a newline; an error ends the stream.
using OnEvent = std::function<Result<void>(const std::string& line)>;

/// Statistics every `interval_ms`, the first after one interval, and an "oom" event whenever a process of the
/// container is killed for want of memory, until the container has ended. Figures that cannot be had once are
/// left out.
Result<void> follow_events(const Store& store, const std::string& id, int interval_ms,
                           const OnEvent& on_event);

}  // namespace nacre::runtime
