#pragma once

#include "runtime/cgroup/cgroup.h"
#include "runtime/container/disk_plan.h"
#include "runtime/container/notifications.h"
#include "runtime/container/pod.h"
#include "runtime/container/share_plan.h"
#include "runtime/container/vm_size.h"
#include "runtime/oci/bundle.h"
#include "runtime/relay/passed_descriptors.h"
#include "runtime/relay/terminal.h"
#include "runtime/state/store.h"
#include "runtime/vm/assets.h"
#include "vmm/base/rate_limiter.h"

namespace nacre::runtime {

/// What the relay of a container's init needs to bring the container to "created".
struct InitRelayTask {
    const oci::Bundle* bundle;
    const ContainerDirectory* directory;
    Assets assets;
    Pod pod;  // with the directory of the VM, also of a new one
    VmSize size;
    SharePlan share;
    std::vector<PlannedDisk> disks;
    RateLimit disk_limit;  // of each of them
    CgroupPlace cgroup;
    ProcessTerminal terminal;
    std::vector<PassedDescriptor> descriptors;
    NotifyPlan notify;
    FileDescriptor kvm;  // /dev/kvm, for a VM of its own: from within the cgroup it may not be opened
};

/// A relay that was forked and is preparing its container.
struct InitRelay {
    pid_t pid;
    FileDescriptor reports;  // relay_reports.h
};

/// Forks the relay, into the cgroup: it launches the VM or joins the pod's, has the agent create the
/// container, reports, and then stands for the container's init until that has ended; its exit status is
/// init's. Until "created" it dies with the caller; with the caller's terminal, for ever.
Result<InitRelay> fork_init_relay(InitRelayTask task);

}  // namespace nacre::runtime
