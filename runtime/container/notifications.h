#pragma once

#include <optional>
#include <string>

#include "runtime/oci/spec.h"
#include "runtime/state/container_state.h"
#include "runtime/vm/agent_connection.h"
#include "vmm/base/file_descriptor.h"
#include "vmm/base/thread.h"

/// sd_notify(3) from within a container. Its socket is one of the guest's; what the processes send there goes
/// to the service manager in one of two ways. As with runc: `create` with NOTIFY_SOCKET in nacre's
/// environment gives the container a socket, and `start` tells NOTIFY_SOCKET once that it is ready
/// (Readiness). Or the configuration itself binds a socket of the host and names it in the process's
/// NOTIFY_SOCKET, as podman does: the relay passes everything on (NotificationRelay).
namespace nacre::runtime {

/// A container's socket for sd_notify(3).
struct NotifyPlan {
    std::string path;         // in the container; empty: it has none
    FileDescriptor receiver;  // connected to the host's socket that the configuration binds there; or none
};

/// NOTIFY_SOCKET of nacre's environment; empty: none.
std::string notify_socket_address();

/// What `address`, the NOTIFY_SOCKET of nacre, and the configuration ask for. Relative paths are the
/// bundle's. The host's socket is looked up here, once: what the container later puts in its place is not
/// followed. A configuration that names no socket of the host asks for nothing.
NotifyPlan plan_notify_socket(const std::string& address, const oci::Spec& spec, const std::string& bundle);

/// Passes on what a container's processes send, each message as it is, from now until the container has
/// ended.
class NotificationRelay {
  public:
    /// Of container `id` in the VM of `vm_directory`. Nothing to do without a receiver.
    static Result<NotificationRelay> start(const std::string& vm_directory, const std::string& id,
                                           FileDescriptor receiver);
    NotificationRelay(NotificationRelay&&) = default;
    NotificationRelay& operator=(NotificationRelay&&) = delete;

    /// Waits until the container, or its VM, has ended.
    ~NotificationRelay() = default;

  private:
    NotificationRelay() = default;
    std::optional<Thread> thread_;
};

/// The wait of `start` for a container that is to tell when it is ready.
class Readiness {
  public:
    /// Begins to watch, before the container runs, for the NOTIFY_SOCKET of nacre's environment. Without one
    /// there is nothing to wait for.
    static Result<Readiness> watch(const std::string& vm_directory, const std::string& id);

    /// Whether there is a service manager that waits.
    bool is_awaited() const { return manager_.valid(); }

    /// Waits until the container is ready and tells the service manager so, with `main_pid` as the process
    /// to supervise from then on. Returns also when the container has ended without. True: told.
    Result<bool> wait_and_tell(pid_t main_pid);

    /// Waits until the service manager has taken that; bounded.
    Result<void> settle() const;

  private:
    FileDescriptor manager_;
    std::optional<AgentConnection> watch_;
};

}  // namespace nacre::runtime
