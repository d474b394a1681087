#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>

#include "guest-agent/protocol/network.h"
#include "vmm/base/netlink_message.h"
#include "vmm/base/result.h"

/// rtnetlink(7) messages: what the kernel says of a network namespace, and what it is asked to make. Used on
/// both sides: the host's network is read with the one half, the guest's is made with the other.
namespace nacre::network {

/// An interface of a network namespace.
struct Link {
    std::uint32_t index = 0;
    std::string name;
    std::string kind;  // "veth", "tun", …; empty for hardware
    std::string mac;   // empty unless it has six bytes
    std::uint32_t mtu = 0;
    std::uint32_t flags = 0;        // IFF_…
    std::uint16_t type = 0;         // ARPHRD_…
    bool has_master = false;        // it is a port of a bridge or the like
    bool makes_link_local = false;  // its IPv6 is on, and gives it a link-local address
};

using NameOfIndex = std::map<std::uint32_t, std::string>;
using IndexOfName = std::map<std::string, std::uint32_t>;

/// Requests for all that the namespace has of it.
netlink::Request dump_links();
netlink::Request dump_addresses();
netlink::Request dump_routes();
netlink::Request dump_neighbours();

/// What one message of the answer says; none where it is about something else.
std::optional<Link> parse_link(const netlink::Message& message);

struct AddressOfLink {
    std::uint32_t link = 0;
    protocol::InterfaceAddress address;
};
/// `prefix_route` is as the flags of the address say.
std::optional<AddressOfLink> parse_address(const netlink::Message& message);

/// Of the main table, out through interfaces that `names` has, or refusing.
std::optional<protocol::Route> parse_route(const netlink::Message& message, const NameOfIndex& names);

/// A permanent one, of an interface that `names` has.
std::optional<protocol::Neighbour> parse_neighbour(const netlink::Message& message, const NameOfIndex& names);

/// What makes one. Names and addresses come from the other side: an error tells which is none.
Result<netlink::Request> make_address(std::uint32_t link, const protocol::InterfaceAddress& address);
Result<netlink::Request> make_route(const protocol::Route& route, const IndexOfName& indexes);
Result<netlink::Request> make_neighbour(const protocol::Neighbour& neighbour, const IndexOfName& indexes);

/// Names a link, which is down, and sets its MTU and whether its kernel gives it an IPv6 link-local address.
netlink::Request set_link(std::uint32_t link, const protocol::Interface& interface);
netlink::Request set_link_name(std::uint32_t link, const std::string& name);
netlink::Request set_link_up(std::uint32_t link);
/// `namespace_fd`: a descriptor of the network namespace that the link moves to.
netlink::Request move_link(std::uint32_t link, int namespace_fd);

/// An attribute of set_link and its like: whether the kernel makes an IPv6 link-local address.
void add_link_local_mode(netlink::Request& request, bool makes_link_local);

}  // namespace nacre::network
