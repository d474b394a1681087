#pragma once

#include <functional>
#include <optional>
#include <string>

#include "runtime/relay/signal_forwarder.h"
#include "runtime/relay/streams.h"
#include "runtime/vm/virtual_machine.h"

namespace nacre::runtime {

/// How a relayed process ended.
struct ProcessEnd {
    int status = 0;  // 0–255; 128 + n for signal n; 137 when its VM was lost
    bool out_of_memory = false;
    std::string cause;      // empty for an ordinary exit, else what went wrong
    bool vm_stays = false;  // for other containers
};

/// The guest decides how often it runs out of memory, the host how often it cares.
constexpr int max_oom_kills = 32;

/// What is said of a VM that the host's kernel has killed, behind how it ended.
constexpr auto out_of_memory_on_host =
    ": the host is out of memory, or a cgroup's limit there is below what the VM uses";

/// The guest process that a relay stands for.
struct RelayedProcess {
    protocol::ProcessName name;
    std::string vm_directory;
    AgentConnection owner;    // its closing makes the agent kill the process
    FileDescriptor terminal;  // the host terminal whose window size the process's terminal has; or none
    /// Called when a process of the container was killed for want of memory, at most `max_oom_kills` times.
    /// Or none.
    std::function<void()> on_oom_kill = nullptr;
    /// Called once, when the guest has questions for docker's name server. Or none: they stay unanswered.
    std::function<void()> on_names_wanted = nullptr;
    /// Whether the host's kernel has killed the VM for want of memory. Or none.
    std::function<bool()> host_is_out_of_memory = nullptr;
};

/// Gives the process's terminal the window size of the host's. A guest that does not answer costs a bounded
/// wait.
void pass_window_size(const RelayedProcess& process);

/// Stands for a guest process until it has ended: copies its streams, forwards signals to it, window sizes
/// instead of SIGWINCH. `vm` is the VM that this relay started, if it did: the VM ends with the process,
/// unless there are others in it, and its loss is the process's end. Runs on the main thread of the relay.
ProcessEnd relay_process(RelayedProcess process, Streams streams, const SignalForwarder& signals,
                         VirtualMachine* vm);

}  // namespace nacre::runtime
