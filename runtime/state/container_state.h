#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "runtime/oci/spec.h"
#include "runtime/state/process_identity.h"
#include "runtime/state/status.h"

namespace nacre::runtime {

/// How a container's init ended.
struct ContainerExit {
    int status = 0;  // 0–255; 128 + n for signal n
    bool out_of_memory = false;
    std::string cause;  // empty for an ordinary exit, else what went wrong: "the VMM was killed by signal 9"
    std::string finished;  // RFC3339Nano
};

/// What nacre remembers of a container: the content of its state.json. What it says of processes may be out
/// of date: current_status() asks the kernel.
struct ContainerState {
    std::string id;
    std::string oci_version;
    std::string bundle;   // absolute
    std::string rootfs;   // absolute
    std::string created;  // RFC3339Nano
    oci::StringMap annotations;
    Status status = Status::creating;  // as last recorded
    bool paused = false;               // its processes are frozen in the guest

    ProcessIdentity creator;  // the `create` that is at work while the status is "creating"
    ProcessIdentity relay;    // stands for the container's init; its pid is what callers see
    ProcessIdentity vmm;

    std::string vm_directory;               // where the VM's socket and logs are
    std::string sandbox_id;                 // the container whose VM it shares; empty: a VM of its own
    std::vector<std::string> cgroup_paths;  // directories made for it, one a hierarchy
    std::vector<std::uint32_t> device_slots;  // of the VM, with devices that were attached for it
    std::string cgroup_unit;                // of systemd, if that made them
    std::vector<std::string> interfaces;    // of its network namespace that its VM has
    std::optional<ContainerExit> exit;      // recorded by the relay
};

/// The recorded status, "stopped" where the process that it depends on is gone, "paused" where it was paused.
Status current_status(const ContainerState& state);

/// The pid that callers may see: the relay's, 0 when the container is stopped.
pid_t visible_pid(const ContainerState& state, Status status);

/// state.json ↔ struct. The text is checked in full: a truncated or foreign file is an error.
std::string encode_state(const ContainerState& state);
Result<ContainerState> decode_state(std::string_view text);

/// The OCI state (runtime-spec "State") as callers get it: from `state`, in `list`, and hooks on their stdin.
/// `indent`: over several lines, as `state` prints it. A stopped container also tells "exitStatus" and, if it
/// did not end by itself, "exitCause".
std::string oci_state_json(const ContainerState& state, Status status, bool indent,
                           std::string_view owner = "");

}  // namespace nacre::runtime
