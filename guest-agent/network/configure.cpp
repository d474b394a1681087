#include "guest-agent/network/configure.h"

#include <linux/if.h>
#include <linux/netlink.h>

#include <algorithm>

#include "guest-agent/network/container_namespace.h"
#include "vmm/base/netlink_socket.h"

namespace nacre::agent {

namespace {

using network::IndexOfName;
using protocol::Interface;
using Requests = std::vector<netlink::Request>;

Result<IndexOfName> read_links(netlink::Socket& socket) {
    NACRE_ASSIGN(const auto answer, socket.dump(network::dump_links()));
    IndexOfName links;
    netlink::Bytes left(answer);
    while (const auto message = netlink::take_message(left)) {
        if (const auto link = network::parse_link(*message))
            links.emplace(link->name, link->index);
    }
    return links;
}

// --- The container's namespace

Result<void> move_interfaces(netlink::Socket& socket, const std::vector<Interface>& interfaces, int target) {
    NACRE_ASSIGN(const auto present, read_links(socket));
    Requests requests;
    for (const auto& interface : interfaces) {
        const auto found = present.find(interface.found);
        if (found == present.end())
            return fail_with(ENODEV, "interface \"{}\"", interface.found.substr(0, IFNAMSIZ));
        requests.push_back(network::move_link(found->second, target));
    }
    return socket.execute(requests);
}

// --- What is to be made

/// As the kernel's dev_valid_name() has it.
bool is_interface_name(const std::string& name) {
    const auto misplaced = [](unsigned char c) {
        return c == '/' || c == ':' || c == 0 || std::isspace(c) != 0;
    };
    return !name.empty() && name.size() < IFNAMSIZ && name != "." && name != ".." &&
           std::none_of(name.begin(), name.end(), misplaced);
}

/// The interfaces by the names that they are to have.
Result<IndexOfName> indexes_of(const std::vector<Interface>& interfaces, const IndexOfName& present) {
    IndexOfName indexes;
    for (const auto& interface : interfaces) {
        const auto found = present.find(interface.found);
        if (found == present.end() || interface.found == "lo")
            return fail_with(ENODEV, "interface \"{}\"", interface.found.substr(0, IFNAMSIZ));
        if (!is_interface_name(interface.name) || interface.name == "lo")
            return fail_with(EINVAL, "interface name \"{}\"", interface.name.substr(0, IFNAMSIZ));
        if (!indexes.emplace(interface.name, found->second).second)
            return fail_with(EEXIST, "interface \"{}\"", interface.name);
    }
    return indexes;
}

/// One that is to have the name of another one gives way first: the other has it until it gets its own.
void add_names(Requests& requests, const std::vector<Interface>& interfaces, const IndexOfName& present,
               const IndexOfName& indexes) {
    for (const auto& interface : interfaces) {
        const auto index = indexes.at(interface.name);
        if (interface.name != interface.found && present.contains(interface.name))
            requests.push_back(network::set_link_name(index, fmt::format("nacre-{}", index)));
    }
    // All that have to have given way; only then each takes its own.
    for (const auto& interface : interfaces)
        requests.push_back(network::set_link(indexes.at(interface.name), interface));
}

Result<void> add_addresses(Requests& requests, const std::vector<Interface>& interfaces,
                           const IndexOfName& indexes) {
    for (const auto& interface : interfaces) {
        if (interface.up)
            requests.push_back(network::set_link_up(indexes.at(interface.name)));
        for (const auto& address : interface.addresses) {
            NACRE_ASSIGN(auto request, network::make_address(indexes.at(interface.name), address));
            requests.push_back(std::move(request));
        }
    }
    return {};
}

bool has_gateway(const protocol::Route& route) {
    return std::any_of(route.next_hops.begin(), route.next_hops.end(),
                       [](const auto& hop) { return !hop.gateway.empty(); });
}

/// A gateway is taken only if there is a route to it.
Result<void> add_routes(Requests& requests, const std::vector<protocol::Route>& routes,
                        const IndexOfName& indexes) {
    for (const bool through_gateway : {false, true}) {
        for (const auto& route : routes) {
            if (has_gateway(route) != through_gateway)
                continue;
            NACRE_ASSIGN(auto request, network::make_route(route, indexes));
            requests.push_back(std::move(request));
        }
    }
    return {};
}

}  // namespace

Result<std::vector<netlink::Request>> network_requests(const protocol::ConfigureNetwork& network,
                                                       const network::IndexOfName& present) {
    NACRE_ASSIGN(const auto indexes, indexes_of(network.interfaces, present));
    Requests requests;
    add_names(requests, network.interfaces, present, indexes);
    NACRE_TRY(add_addresses(requests, network.interfaces, indexes));
    NACRE_TRY(add_routes(requests, network.routes, indexes));
    for (const auto& neighbour : network.neighbours) {
        NACRE_ASSIGN(auto request, network::make_neighbour(neighbour, indexes));
        requests.push_back(std::move(request));
    }
    return requests;
}

Result<void> configure_network(const protocol::ConfigureNetwork& network, pid_t process) {
    NACRE_ASSIGN(auto socket, netlink::Socket::open(NETLINK_ROUTE));
    NACRE_ASSIGN(const auto own, open_network_namespace("self"));
    NACRE_ASSIGN(const auto target, open_network_namespace(std::to_string(process)));
    NACRE_ASSIGN(const bool stays, is_same_namespace(own.get(), target.get()));
    if (!stays) {
        NACRE_TRY(move_interfaces(socket, network.interfaces, target.get()));
        NACRE_ASSIGN(socket, in_network_namespace(target.get(), own.get(),
                                                  [] { return netlink::Socket::open(NETLINK_ROUTE); }));
    }
    NACRE_ASSIGN(const auto present, read_links(socket));
    NACRE_ASSIGN(const auto requests, network_requests(network, present));
    return socket.execute(requests);
}

}  // namespace nacre::agent
