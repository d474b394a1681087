#pragma once

#include <cstdint>
#include <vector>

#include "vmm/base/netlink_message.h"

namespace nacre::runtime {

/// What of two interfaces of one network namespace is to be tied together.
struct Redirection {
    std::uint32_t interface = 0;  // index of the caller's
    std::uint32_t tap = 0;
    std::uint32_t mtu = 0;
    bool shares_names = false;  // answers to DNS questions of the namespace's own processes reach these
};

/// Requests that bring the tap up with that MTU, without an IPv6 address of its own, and have tc(8) send all
/// that comes in on one of the two out of the other: ingress qdisc, a matchall filter, the action mirred.
/// With `shares_names`, ARP and what comes from UDP port 53 over IPv4 reaches both: nothing tells whose it
/// is, and who did not ask drops it. All else is the guest's alone.
///
/// An ingress qdisc that the interface has already, with all its filters, is replaced: it may be that of a VM
/// before.
std::vector<netlink::Request> make_redirection(const Redirection& redirection);

/// Gives the interface back to its namespace; one that is nowhere redirected is no error.
netlink::Request remove_redirection(std::uint32_t interface);

}  // namespace nacre::runtime
