#pragma once

#include <sys/types.h>

#include <string>

#include "runtime/relay/passed_descriptors.h"
#include "runtime/relay/terminal.h"
#include "runtime/state/container_state.h"

namespace nacre::runtime {

/// What the relay of an exec'd process needs.
struct ExecRelayTask {
    ContainerState container;
    std::string process;  // process.json, checked
    std::string cgroup;   // below the container\'s, in the guest; empty: the container\'s
    ProcessTerminal terminal;
    bool foreground = false;  // the process ends with the caller
    std::vector<PassedDescriptor> descriptors;
};

/// Forks a relay: it joins the container's cgroup, has the agent start the process, and then stands for it
/// until it has ended; its exit status is the process's. Returns the relay's pid when the program runs; an
/// error, with no relay left, when it cannot. Until then the relay dies with the caller.
Result<pid_t> fork_exec_relay(ExecRelayTask& task);

}  // namespace nacre::runtime
