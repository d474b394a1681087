#pragma once

#include <sys/types.h>

#include <vector>

#include "guest-agent/network/rtnetlink.h"
#include "guest-agent/protocol/messages.h"

namespace nacre::agent {

/// Carries out ConfigureNetwork in the network namespace of `process`. Where that is not the agent's own,
/// because the container has a user namespace, the interfaces move there first.
Result<void> configure_network(const protocol::ConfigureNetwork& network, pid_t process);

/// The requests for that, in an order that works: names, up, addresses, routes to what is on a link, routes
/// through gateways, neighbours. `present`: the interfaces that the namespace has. What the host says is not
/// trusted: unknown interfaces, names that Linux would not take or that are taken, and addresses that are
/// none are errors.
Result<std::vector<netlink::Request>> network_requests(const protocol::ConfigureNetwork& network,
                                                       const network::IndexOfName& present);

}  // namespace nacre::agent
