#pragma once

#include <string>

#include "runtime/cgroup/cgroup.h"
#include "runtime/container/warn.h"
#include "runtime/state/store.h"

/// The operations of the OCI runtime specification (runtime.md, "Operations") on one container each. They
/// keep no state but the store's, and may be called by any number of processes at once; a call locks the
/// container it changes. They fork, so the calling process must be single-threaded. Errors are one line for
/// the user, in runc's words where callers look for them.
namespace nacre::runtime {

struct CreateOptions {
    std::string id;
    std::string bundle = ".";
    std::string config;          // instead of <bundle>/config.json
    std::string pid_file;        // gets the relay's pid, without a newline; empty: none
    std::string console_socket;  // gets the master of the process's terminal; needs process.terminal
    std::string pidfd_socket;    // gets a pidfd of the relay
    Warn warn;                   // of what is ignored
    CgroupManager cgroup_manager = CgroupManager::cgroupfs;
    bool detached = true;  // the caller does not wait: its own terminal is not the process's
    std::uint32_t preserved_descriptors = 0;  // of the caller's, from 3 on: the process has them too
};

/// Boots the container's VM and prepares its init up to the state "created". On failure nothing is left.
Result<void> create(const Store& store, const CreateOptions& options);

/// Runs the user's program in a created container. With NOTIFY_SOCKET in the environment: returns once the
/// container has told that it is ready, or has ended (notifications.h). A hook that fails is an error, and the
/// container is deleted. `warn`: of poststop hooks that fail then.
Result<void> start(const Store& store, const std::string& id, const Warn& warn = {});

struct RunOptions {
    bool detach = false;  // return once started
    bool keep = false;    // leave the stopped container for inspection
};

/// create(), start(), and unless detached (without waiting for it to be ready): waits for the container,
/// passes signals on to it, deletes it. Returns its exit status (0 when detached). How a container ended that
/// did not end by itself is an error with the status as its code.
Result<int> run(const Store& store, const CreateOptions& options, const RunOptions& run_options);

/// Sends `signal` to the container's init, or with `all` to all its processes.
Result<void> kill(const Store& store, const std::string& id, int signal, bool all);

/// Stops all processes of a created or running container from using CPU; returns when they have stopped. If
/// the guest cannot stop them in time, they go on and that is the error.
Result<void> pause(const Store& store, const std::string& id);

/// Lets the processes of a paused container go on.
Result<void> resume(const Store& store, const std::string& id);

/// Changes the limits of a container that is not stopped. `change`: linux.resources as JSON text; what is
/// absent stays as it is. Limits of CPU, memory and pids are the guest's; the host's cgroup of the VM
/// follows, and has those of block I/O. The VM grows first where a limit asks for it, and shrinks afterwards;
/// a VM whose size `vm.hwConfig` has fixed refuses. On an error the limits are as before, if the kernel lets
/// them be. `warn`: of memory that the guest could not let go of.
Result<void> update(const Store& store, const std::string& id, const std::string& change,
                    const Warn& warn = {});

/// Removes a stopped (or created) container and all that belongs to it. With `force` a running one is killed
/// first, one that does not exist is no error, and one with a damaged state is removed as far as it can be
/// found. `warn`: of hooks that fail.
Result<void> delete_container(const Store& store, const std::string& id, bool force, const Warn& warn = {});

}  // namespace nacre::runtime
