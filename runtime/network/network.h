#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "vmm/base/rate_limiter.h"
#include "vmm/base/result.h"

namespace nacre::runtime {

/// A container whose VM is to have the interfaces of a network namespace.
struct NetworkTask {
    int process = -1;  // pidfd of a process in that namespace
    std::string vm_directory;
    std::string container;
    std::uint32_t queue_pairs = 1;  // of each interface
    RateLimit receive;              // by the guest, of each interface; with any limit vhost-net is not used
    RateLimit transmit;             // likewise
};

/// Looks into the network namespace; for every interface there (host_network.h) makes a tap device beside it,
/// attaches that to the VM, redirects all traffic between the two, and has the agent give the guest's
/// interface the same name, addresses, routes and neighbours. The namespace's own interface keeps its own.
/// Returns their names, none where there is no interface: then nothing was changed. After an error the VM is
/// of no use any more; the namespace is as it was.
///
/// Works in a thread of its own, since that has to be in the namespace. Two containers' interfaces may be
/// connected at once, those of one namespace may not.
Result<std::vector<std::string>> connect_network(const NetworkTask& task);

/// How many interfaces connect_network() would find in the calling thread's network namespace.
Result<std::size_t> count_interfaces();

/// Lets a network namespace, given by a descriptor of it, have its interfaces back, those of these names that
/// there still are. To be called once the VM has ended.
Result<void> disconnect_network(int network_namespace, const std::vector<std::string>& interfaces);

/// In place of a descriptor: the calling thread's.
constexpr int own_network_namespace = -1;

}  // namespace nacre::runtime
