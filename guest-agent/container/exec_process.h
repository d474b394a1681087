#pragma once

#include <optional>

#include "guest-agent/container/setup_channel.h"
#include "guest-agent/stdio/process_pipes.h"
#include "runtime/oci/spec.h"

namespace nacre::agent {

/// What a process needs that is exec'd into a container.
struct ExecPlan {
    std::string container_id;
    int init = -1;  // pidfd of the container's first process, whose namespaces it enters
    oci::Process process;
    std::optional<oci::Seccomp> seccomp;  // the container's
    std::optional<oci::Personality> personality;
    bool user_namespace = false;    // the container has one of its own
    bool callers_terminal = false;  // console.h
};

/// The life of an exec'd process, from clone3(2) to execve(2). Runs in a child of the agent, already in the
/// container's cgroup; a child of that child, which the agent inherits, becomes the program, since a process
/// enters a pid namespace only by being born in it. Its pid is reported first.
[[noreturn]] void run_exec_process(const ExecPlan& plan, SetupChild channel, ChildPipes pipes);

}  // namespace nacre::agent
