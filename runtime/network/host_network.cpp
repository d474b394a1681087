#include "runtime/network/host_network.h"

#include <linux/if.h>
#include <linux/if_arp.h>
#include <linux/rtnetlink.h>

#include <algorithm>
#include <array>

#include "guest-agent/network/ip_address.h"
#include "guest-agent/network/rtnetlink.h"
#include "runtime/network/tap.h"

namespace nacre::runtime {

namespace {

using network::NameOfIndex;
using protocol::InterfaceAddress;

/// Of kinds that the kernel puts into every namespace of a host that has the module.
bool is_tunnel(const network::Link& link) {
    constexpr std::array kinds{"gretap", "ip6gretap", "erspan", "ip6erspan", "tun"};
    return std::find(kinds.begin(), kinds.end(), link.kind) != kinds.end();
}

bool is_for_the_guest(const network::Link& link) {
    return link.type == ARPHRD_ETHER && !link.mac.empty() && !link.has_master && !is_tunnel(link);
}

HostInterface interface_of(const network::Link& link) {
    HostInterface interface;
    interface.index = link.index;
    interface.mac = link.mac;
    interface.settings.name = link.name;
    interface.settings.mtu = link.mtu;
    interface.settings.up = (link.flags & IFF_UP) != 0;
    interface.settings.makes_link_local = link.makes_link_local;
    return interface;
}

template <class Visit>
void for_each_message(netlink::Bytes bytes, const Visit& visit) {
    while (const auto message = netlink::take_message(bytes))
        visit(*message);
}

Result<void> check_length(std::size_t length, std::size_t most, const char* what) {
    if (length > most)
        return fail_with(E2BIG, "the container's network namespace has more than {} {}", most, what);
    return {};
}

void add_address(std::vector<HostInterface>& interfaces, const network::AddressOfLink& found) {
    const auto interface = std::find_if(interfaces.begin(), interfaces.end(),
                                        [&](const auto& entry) { return entry.index == found.link; });
    if (interface == interfaces.end())
        return;
    const auto address = network::parse_ip_address(found.address.local);
    // It has one already.
    if (address && network::is_ipv6_link_local(*address))
        interface->settings.makes_link_local = false;
    interface->settings.addresses.push_back(found.address);
}

/// Whether `route` is the one that the kernel makes with `address`.
bool belongs_to(const protocol::Route& route, const InterfaceAddress& address, const std::string& interface) {
    const auto far = network::parse_ip_address(address.peer.empty() ? address.local : address.peer);
    return far && route.protocol == RTPROT_KERNEL && route.prefix == address.prefix &&
           route.next_hops.size() == 1 && route.next_hops.front().interface == interface &&
           route.destination == network::text_of(network::network_of(*far, address.prefix));
}

/// Where somebody has removed the route that came with an address, the guest's kernel is not to make it.
void settle_prefix_routes(HostNetwork& network) {
    for (auto& [index, mac, settings] : network.interfaces) {
        for (auto& address : settings.addresses)
            address.prefix_route =
                address.prefix_route && std::any_of(network.routes.begin(), network.routes.end(),
                                                    [&, &name = settings.name](const auto& route) {
                                                        return belongs_to(route, address, name);
                                                    });
    }
}

bool is_ipv6_link_route(const protocol::Route& route) {
    const auto destination = network::parse_ip_address(route.destination);
    return route.protocol == RTPROT_KERNEL && destination && network::is_ipv6_link_local(*destination);
}

}  // namespace

Result<std::vector<HostInterface>> interfaces_in(netlink::Bytes links) {
    std::vector<HostInterface> interfaces;
    Result<void> result;
    for_each_message(links, [&](const auto& message) {
        const auto link = network::parse_link(message);
        if (link && link->kind == "tun" && is_tap_name(link->name))
            result = fail_with(
                EBUSY, "the network namespace is that of another container, whose VM has its interfaces");
        if (link && is_for_the_guest(*link))
            interfaces.push_back(interface_of(*link));
    });
    NACRE_TRY(result);
    NACRE_TRY(check_length(interfaces.size(), protocol::max_interfaces, "interfaces"));
    return interfaces;
}

Result<HostNetwork> network_in(std::vector<HostInterface> interfaces, netlink::Bytes addresses,
                               netlink::Bytes routes, netlink::Bytes neighbours) {
    NameOfIndex names;
    for (const auto& interface : interfaces)
        names.emplace(interface.index, interface.settings.name);
    HostNetwork network;
    network.interfaces = std::move(interfaces);
    for_each_message(addresses, [&](const auto& message) {
        if (const auto address = network::parse_address(message))
            add_address(network.interfaces, *address);
    });
    for_each_message(routes, [&](const auto& message) {
        if (auto route = network::parse_route(message, names))
            network.routes.push_back(std::move(*route));
    });
    for_each_message(neighbours, [&](const auto& message) {
        if (auto neighbour = network::parse_neighbour(message, names))
            network.neighbours.push_back(std::move(*neighbour));
    });
    settle_prefix_routes(network);
    // The guest's kernel makes it with the address, or was told not to.
    std::erase_if(network.routes, is_ipv6_link_route);
    for (const auto& interface : network.interfaces)
        NACRE_TRY(check_length(interface.settings.addresses.size(), protocol::max_addresses, "addresses"));
    NACRE_TRY(check_length(network.routes.size(), protocol::max_routes, "routes"));
    NACRE_TRY(check_length(network.neighbours.size(), protocol::max_neighbours, "permanent neighbours"));
    return network;
}

Result<HostNetwork> read_host_network(netlink::Socket& socket) {
    NACRE_ASSIGN(const auto links, socket.dump(network::dump_links()));
    NACRE_ASSIGN(auto interfaces, interfaces_in(links));
    if (interfaces.empty())
        return HostNetwork{};
    NACRE_ASSIGN(const auto addresses, socket.dump(network::dump_addresses()));
    NACRE_ASSIGN(const auto routes, socket.dump(network::dump_routes()));
    NACRE_ASSIGN(const auto neighbours, socket.dump(network::dump_neighbours()));
    return network_in(std::move(interfaces), addresses, routes, neighbours);
}

}  // namespace nacre::runtime
