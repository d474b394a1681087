#include "runtime/network/host_devices.h"

#include <fcntl.h>
#include <linux/if.h>
#include <linux/rtnetlink.h>

#include "guest-agent/network/rtnetlink.h"
#include "vmm/base/file.h"

namespace nacre::runtime {

namespace {

std::map<std::string, network::Link> links_in(netlink::Bytes messages) {
    std::map<std::string, network::Link> links;
    while (const auto message = netlink::take_message(messages))
        if (auto link = network::parse_link(*message))
            links[link->name] = *link;
    return links;
}

Result<std::map<std::string, network::Link>> links_of(netlink::Socket& socket) {
    NACRE_ASSIGN(const auto messages, socket.dump(network::dump_links()));
    return links_in(messages);
}

std::vector<protocol::InterfaceAddress> global_addresses(netlink::Bytes messages, std::uint32_t link) {
    std::vector<protocol::InterfaceAddress> addresses;
    while (const auto message = netlink::take_message(messages)) {
        const auto found = network::parse_address(*message);
        if (found && found->link == link && found->address.scope == RT_SCOPE_UNIVERSE)
            addresses.push_back(found->address);
    }
    return addresses;
}

netlink::Request change_link(std::uint32_t index, unsigned flags, std::string what) {
    ifinfomsg header{};
    header.ifi_index = static_cast<int>(index);
    header.ifi_flags = flags;
    header.ifi_change = IFF_UP;
    return netlink::Request(RTM_NEWLINK, 0, header, std::move(what));
}

}  // namespace

Result<HostDevices> HostDevices::find(const Names& names) {
    HostDevices found;
    if (names.empty())
        return found;
    NACRE_ASSIGN(found.host_, netlink::Socket::open(NETLINK_ROUTE));
    NACRE_ASSIGN(const auto links, links_of(*found.host_));
    NACRE_ASSIGN(const auto addresses, found.host_->dump(network::dump_addresses()));
    for (const auto& [name, name_in_container] : names) {
        const auto link = links.find(name);
        if (link == links.end())
            return fail("move network device {} into the container: the host has no such device", name);
        if ((link->second.flags & IFF_LOOPBACK) != 0)
            return fail("move network device {} into the container: it is a loopback device", name);
        found.devices_.push_back({link->second.index, name_in_container.empty() ? name : name_in_container,
                                  global_addresses(addresses, link->second.index)});
    }
    return found;
}

Result<void> HostDevices::move_here() {
    if (!host_)
        return {};
    NACRE_ASSIGN(const auto here, open_file("/proc/thread-self/ns/net", O_RDONLY));
    std::vector<netlink::Request> moves;
    for (const auto& device : devices_) {
        // Down, or it could not be renamed.
        auto request = change_link(device.index, 0,
                                   fmt::format("move network device {} into the container", device.name));
        moves.push_back(
            change_link(device.index, 0, fmt::format("bring network device {} down", device.name)));
        request.add_text(IFLA_IFNAME, device.name)
            .add(IFLA_NET_NS_FD, static_cast<std::uint32_t>(here.get()));
        moves.push_back(std::move(request));
    }
    NACRE_TRY(host_->execute(moves));
    NACRE_ASSIGN(auto container, netlink::Socket::open(NETLINK_ROUTE));
    // The kernel gives another index where there is one like it.
    NACRE_ASSIGN(const auto links, links_of(container));
    std::vector<netlink::Request> settings;
    for (const auto& device : devices_) {
        const auto link = links.find(device.name);
        if (link == links.end())
            return fail("network device {} has not arrived in the container's network namespace",
                        device.name);
        for (const auto& address : device.addresses) {
            NACRE_ASSIGN(auto request, network::make_address(link->second.index, address));
            settings.push_back(std::move(request));
        }
        settings.push_back(
            change_link(link->second.index, IFF_UP, fmt::format("bring network device {} up", device.name)));
    }
    return container.execute(settings);
}

}  // namespace nacre::runtime
