#pragma once

#include <string>

#include "runtime/container/exec_process.h"
#include "runtime/container/warn.h"
#include "runtime/state/store.h"

namespace nacre::runtime {

struct ExecOptions {
    std::string id;
    std::string process_file;  // process.json; empty: the configuration's process with `changes`
    ProcessChanges changes;
    std::string cgroup;          // in the guest, below the container\'s; empty: the container\'s
    std::string console_socket;  // gets the master of the process's terminal; needs one, and detach
    std::string pid_file;        // gets the relay's pid, without a newline; empty: none
    std::string pidfd_socket;    // gets a pidfd of the relay; empty: none
    Warn warn;                   // of what is ignored
    bool detach = false;         // return once the program runs
    bool ignore_paused = false;
    std::uint32_t preserved_descriptors = 0;  // of the caller's, from 3 on: the process has them too
};

/// Runs one more process in a running container: any number at once, and none outlives the container.
/// Returns its exit status (0 when detached), 137 when the container's VM was lost. A caller in the
/// foreground passes its signals and its terminal on, and its death is the process's. Forks: single-threaded
/// callers only. Errors are runc's words where callers look for them.
Result<int> exec(const Store& store, const ExecOptions& options);

}  // namespace nacre::runtime
