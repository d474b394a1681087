#pragma once

#include <map>
#include <string>

#include "guest-agent/container/disks.h"
#include "guest-agent/container/namespaces.h"
#include "guest-agent/container/setup_channel.h"
#include "guest-agent/container/share_mounts.h"
#include "guest-agent/stdio/process_pipes.h"
#include "runtime/oci/spec.h"

namespace nacre::agent {

/// What a container's first process needs to set itself up.
struct InitPlan {
    std::string id;
    oci::Spec spec;           // with a process and a root
    std::string rootfs;       // below the share; empty: a disk
    std::string host_rootfs;  // the same on the host, as paths of the configuration name it
    MountSources sources;
    std::string share;                            // the directory where the share is mounted
    DiskNames disks;                              // what is not in the share
    std::vector<DeviceTranslation> translations;  // of block devices in the device rules
    bool member = false;                          // comes into a VM that has a container already
    JoinedNamespaces joined;
    std::vector<protocol::PassedDescriptor> descriptors;
    bool callers_terminal = false;  // console.h
    bool notify_socket = false;     // the configuration's last mount is the container's NotifySocket
};

/// The life of a container's first process, from clone3(2) to execve(2). Runs in the child; what it needs of
/// the agent's is closed to it otherwise. With a user namespace it begins by waiting for
/// SetupParent::start(): the agent has to write the maps first.
[[noreturn]] void run_init_process(const InitPlan& plan, const ShareMounts& mounts, SetupChild channel,
                                   ChildPipes pipes);

/// In a child of the agent's: enters the namespaces that the container shares with others and clones its
/// first process there, which goes on as run_init_process() does. The agent is told its pid.
[[noreturn]] void run_joining_process(const InitPlan& plan, const ShareMounts& mounts, SetupChild channel,
                                      ChildPipes pipes);

}  // namespace nacre::agent
