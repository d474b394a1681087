#pragma once

#include <cstdint>
#include <string_view>
#include <vector>

#include "vmm/base/result.h"

namespace nacre::machine {

/// A guest-to-host connection that the runtime made ready: who connects to host port `port` gets `fd`.
struct VsockHostPort {
    std::uint32_t port;
    int fd;
};

/// What one VM is made of. Every resource is a descriptor that the process inherited; -1 is "none".
struct Config {
    std::uint32_t vcpus = 0;
    std::uint32_t max_vcpus = 0;  // what it may have while it runs; not more than vcpus: no further ones
    std::uint64_t memory_bytes = 0;
    std::uint64_t max_memory_bytes =
        0;  // what it may grow to while it runs; not more than memory_bytes: fixed
    int kvm_fd = -1;
    int kernel_fd = -1;
    int initramfs_fd = -1;
    int share_fd = -1;      // what the guest shares through virtio-fs; none: no file server
    int jail_root_fd = -1;  // what becomes the process's root directory; none: no jail
    int vsock_listen_fd = -1;
    std::vector<VsockHostPort> vsock_host_ports;
    int control_listen_fd = -1;  // where the runtime asks for changes of the running VM
    int lifeline_fd = -1;        // reading end of a FIFO (lifeline.h); none: the VM stays without a relay
    std::uint32_t hotplug_slots = 0;  // empty device slots that the guest is told of
    int console_fd = -1;
    int log_fd = 2;
    std::uint32_t disk_rings = 0;  // io_uring instances for disks that come later: one for each queue
    int stats_fd = -1;             // where a line of JSON with times and exits goes at the end
};

/// Reads the configuration from JSON text. Everything is checked but whether the descriptors are open:
/// ranges, types, unknown members, a descriptor named twice (each is owned by one part of the VM). The error
/// names the member.
Result<Config> parse_config(std::string_view json);

}  // namespace nacre::machine
