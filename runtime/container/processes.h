#pragma once

#include <sys/types.h>

#include <vector>

#include "guest-agent/protocol/messages.h"
#include "runtime/state/store.h"

namespace nacre::runtime {

/// The processes of a container, as its guest's kernel sees them: pids of the guest's root pid namespace.
/// None when it is stopped. What the guest tells is untrusted: text may be anything.
Result<protocol::Processes> processes_of(const Store& store, const std::string& id);

/// The host's processes that stand for it: relays and VMM, the members of its cgroup. None when it is
/// stopped.
Result<std::vector<pid_t>> host_processes_of(const Store& store, const std::string& id);

}  // namespace nacre::runtime
