#pragma once

#include <optional>
#include <string>
#include <vector>

#include "guest-agent/container/setup_channel.h"
#include "runtime/oci/spec.h"

namespace nacre::agent {

/// Hooks to run inside a container whose first process is set up.
struct HookPlan {
    int init = -1;                        // pidfd of that process
    bool own_user = true;                 // as the container's user, else as its root
    oci::Process process;                 // the configuration's
    std::optional<oci::Seccomp> seccomp;  // what the hooks are held to
    std::vector<oci::Hook> hooks;
    std::string stage;  // "startContainer"
    std::string state;  // their standard input
    bool user_namespace = false;
};

/// Runs the hooks in the container's namespaces and root, where their paths are looked up: the programs are
/// the image's, so they get no more than the container may have (bounding set, no_new_privs). Reports created
/// or failed on `channel`. Runs in a child of the agent.
[[noreturn]] void run_hook_process(const HookPlan& plan, SetupChild channel);

}  // namespace nacre::agent
