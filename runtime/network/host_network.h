#pragma once

#include <string>
#include <vector>

#include "guest-agent/protocol/network.h"
#include "vmm/base/netlink_socket.h"

namespace nacre::runtime {

/// An interface that a caller has put into a container's network namespace. In the guest it is to look the
/// same.
struct HostInterface {
    std::uint32_t index = 0;
    std::string mac;
    protocol::Interface settings;  // `found` is empty: the guest has not seen it yet
};

/// What a container's network namespace holds for it.
struct HostNetwork {
    std::vector<HostInterface> interfaces;  // in the order in which they were made
    std::vector<protocol::Route> routes;
    std::vector<protocol::Neighbour> neighbours;
    bool name_server = false;  // docker's (embedded_name_server.h); for who has looked
};

/// Reads the network namespace that `socket` belongs to: Ethernet interfaces with their addresses, the routes
/// of the main table through them, their permanent neighbours. Left out are loopback and tunnels, interfaces
/// that are part of another one, and of tunnels those that the kernel makes in every namespace. Where there
/// is no interface, that is all that it asks the kernel. An interface of another container's VM in it is an
/// error.
Result<HostNetwork> read_host_network(netlink::Socket& socket);

/// The same from the kernel's answers, each the messages of one dump.
Result<std::vector<HostInterface>> interfaces_in(netlink::Bytes links);
Result<HostNetwork> network_in(std::vector<HostInterface> interfaces, netlink::Bytes addresses,
                               netlink::Bytes routes, netlink::Bytes neighbours);

}  // namespace nacre::runtime
