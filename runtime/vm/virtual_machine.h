#pragma once

#include <sys/types.h>

#include <cstdint>
#include <string>
#include <vector>

#include "runtime/vm/agent_connection.h"
#include "runtime/vm/assets.h"
#include "runtime/vm/share.h"
#include "vmm/base/file_descriptor.h"

namespace nacre::runtime {

/// /dev/kvm, to be opened before the process is in a cgroup whose device rules, a pod's for example, are for
/// containers.
Result<FileDescriptor> open_kvm();

struct VmOptions {
    int kvm_fd = -1;        // open_kvm()
    std::string directory;  // the VM's own state directory: holds its socket and logs; exists
    std::uint64_t memory_bytes = 0;
    std::uint64_t max_memory_bytes = 0;  // what it may grow to
    std::uint32_t vcpus = 1;
    std::uint32_t max_vcpus = 1;      // likewise
    std::uint32_t hotplug_slots = 4;  // for network interfaces and disks that come while it runs
    std::uint32_t disk_rings = 0;     // as of machine::Config
    bool serves_files = true;         // whether the guest has a share; none: nacre-vmm keeps no capability
    std::vector<ShareMount> mounts;   // what the share holds from the start
    bool outlives_relay = false;      // stays until somebody kills it; else it ends with its last Lifeline
    int stats_fd = -1;                // where nacre-vmm writes its start-up figures; -1: nowhere
};

/// Keeps the VM in `vm_directory` running as long as the descriptor is open: nacre-vmm ends with the last one
/// that anybody holds. Of a VM that outlives its relays: an invalid one.
Result<FileDescriptor> hold_lifeline(const std::string& vm_directory);

/// What the guest's kernel has said of a panic, if it has: "the guest kernel panicked: …".
std::string panic_in(const std::string& vm_directory);

/// A running nacre-vmm process, a child of the calling process, in namespaces of its own (mount, pid,
/// network, ipc, uts). Destroying the object kills and reaps it.
class VirtualMachine {
  public:
    /// Starts nacre-vmm with all it needs as inherited descriptors. Returns before the guest has booted.
    static Result<VirtualMachine> launch(const Assets& assets, const VmOptions& options);

    VirtualMachine(VirtualMachine&& other) noexcept;
    VirtualMachine& operator=(VirtualMachine&&) = delete;
    VirtualMachine(const VirtualMachine&) = delete;
    VirtualMachine& operator=(const VirtualMachine&) = delete;
    ~VirtualMachine();

    /// Waits until the agent says hello; at most `timeout_ms`. If the VM ends meanwhile, the error says how.
    Result<void> wait_ready(int timeout_ms);

    pid_t pid() const { return pid_; }

    /// Readable once the process has ended.
    int pidfd() const { return pidfd_.get(); }

    /// Lets it run on when the object is destroyed; whoever adopts the caller's children reaps it.
    void leave_running() { pid_ = -1; }

    /// Waits at most `grace_ms` for the process to end by itself, then kills it. Returns the wait status.
    int stop(int grace_ms);

    /// How a nacre-vmm with this wait status ended, for the user: "the guest kernel panicked: …".
    std::string describe_end(int wait_status) const;

  private:
    VirtualMachine(std::string directory, pid_t pid, FileDescriptor pidfd, FileDescriptor channel,
                   FileDescriptor lifeline);

    std::string directory_;
    pid_t pid_ = -1;
    FileDescriptor pidfd_;
    AgentConnection channel_;
    FileDescriptor lifeline_;
    bool reaped_ = false;
    bool outlasted_grace_ = false;
    int wait_status_ = 0;
};

}  // namespace nacre::runtime
