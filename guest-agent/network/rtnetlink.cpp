#include "guest-agent/network/rtnetlink.h"

#include <linux/if_addr.h>
#include <linux/if_arp.h>
#include <linux/if_link.h>
#include <linux/ipv6.h>
#include <linux/neighbour.h>
#include <linux/rtnetlink.h>
#include <sys/socket.h>

#include <algorithm>

#include "guest-agent/network/ip_address.h"

namespace nacre::network {

namespace {

using namespace protocol;
using netlink::Attributes;
using netlink::Bytes;
using netlink::Message;
using netlink::Request;

constexpr std::uint16_t create_flags = NLM_F_CREATE | NLM_F_REPLACE;

std::string address_text(const Attributes& attributes, std::uint16_t type) {
    const auto bytes = attributes.find(type);
    const auto address = bytes ? ip_address(*bytes) : std::nullopt;
    return address ? text_of(*address) : std::string();
}

// --- Links

/// From the interface's own IPv6 settings (IFLA_AF_SPEC): DEVCONF_… values and the way its addresses are
/// made.
bool makes_link_local(const Attributes& link) {
    const auto ipv6 = link.nested(IFLA_AF_SPEC).nested(AF_INET6);
    const auto settings = ipv6.find(IFLA_INET6_CONF).value_or(Bytes());
    constexpr std::size_t disabled_at = DEVCONF_DISABLE_IPV6 * sizeof(std::int32_t);
    if (settings.size() < disabled_at + sizeof(std::int32_t))
        return false;
    auto from_there = settings.subspan(disabled_at);
    const bool disabled = netlink::take_header<std::int32_t>(from_there).value_or(1) != 0;
    return !disabled && ipv6.number<std::uint8_t>(IFLA_INET6_ADDR_GEN_MODE) != IN6_ADDR_GEN_MODE_NONE;
}

ifinfomsg link_header(std::uint32_t index) {
    ifinfomsg header{};
    header.ifi_family = AF_UNSPEC;
    header.ifi_index = static_cast<int>(index);
    return header;
}

// --- Routes

bool refuses(std::uint8_t type) {
    return type == RTN_BLACKHOLE || type == RTN_UNREACHABLE || type == RTN_PROHIBIT || type == RTN_THROW;
}

/// Its own attribute, or RTA_VIA: a family, then an address of it.
std::string gateway_in(const Attributes& attributes) {
    const auto via = attributes.find(RTA_VIA);
    if (!via || via->size() < sizeof(rtvia))
        return address_text(attributes, RTA_GATEWAY);
    const auto address = ip_address(via->subspan(offsetof(rtvia, rtvia_addr)));
    return address ? text_of(*address) : std::string();
}

std::optional<NextHop> only_next_hop(const rtmsg& header, const Attributes& attributes,
                                     const NameOfIndex& names) {
    const auto interface = names.find(attributes.number<std::uint32_t>(RTA_OIF).value_or(0));
    if (interface == names.end())
        return std::nullopt;
    return NextHop{interface->second, gateway_in(attributes), (header.rtm_flags & RTNH_F_ONLINK) != 0, 0};
}

/// Of RTA_MULTIPATH, those through interfaces that `names` has.
std::vector<NextHop> several_next_hops(Bytes bytes, const NameOfIndex& names) {
    std::vector<NextHop> hops;
    while (hops.size() < max_next_hops) {
        auto payload = bytes;
        const auto header = netlink::take_header<rtnexthop>(payload);
        if (!header || header->rtnh_len < sizeof(rtnexthop) || header->rtnh_len > bytes.size())
            break;
        const Attributes attributes(payload.first(header->rtnh_len - sizeof(rtnexthop)));
        const auto interface = names.find(static_cast<std::uint32_t>(header->rtnh_ifindex));
        if (interface != names.end())
            hops.push_back({interface->second, gateway_in(attributes),
                            (header->rtnh_flags & RTNH_F_ONLINK) != 0, header->rtnh_hops});
        bytes = bytes.subspan(std::min<std::size_t>(RTNH_ALIGN(header->rtnh_len), bytes.size()));
    }
    return hops;
}

std::vector<NextHop> next_hops_of(const rtmsg& header, const Attributes& attributes,
                                  const NameOfIndex& names) {
    if (const auto several = attributes.find(RTA_MULTIPATH))
        return several_next_hops(*several, names);
    if (auto hop = only_next_hop(header, attributes, names))
        return {std::move(*hop)};
    return {};
}

bool is_main_route(const rtmsg& header, const Attributes& attributes) {
    const auto table = attributes.number<std::uint32_t>(RTA_TABLE).value_or(header.rtm_table);
    const bool known_family = header.rtm_family == AF_INET || header.rtm_family == AF_INET6;
    return known_family && table == RT_TABLE_MAIN && (header.rtm_flags & RTM_F_CLONED) == 0 &&
           (header.rtm_type == RTN_UNICAST || refuses(header.rtm_type));
}

Result<IpAddress> checked_address(const std::string& text, const char* what) {
    const auto address = parse_ip_address(text);
    if (!address)
        return fail_with(EINVAL, "{} \"{}\"", what, text.substr(0, 64));
    return *address;
}

Result<IpAddress> checked_address(const std::string& text, int family, const char* what) {
    NACRE_ASSIGN(const auto address, checked_address(text, what));
    if (address.family != family)
        return fail_with(EAFNOSUPPORT, "{} {}", what, text);
    return address;
}

Result<std::uint32_t> checked_index(const std::string& name, const IndexOfName& indexes) {
    const auto found = indexes.find(name);
    if (found == indexes.end())
        return fail_with(ENODEV, "interface \"{}\"", name.substr(0, 64));
    return found->second;
}

/// The gateway's attribute: it may be of the other family than the destination.
Result<void> add_gateway(Request& request, const std::string& text, int family) {
    if (text.empty())
        return {};
    NACRE_ASSIGN(const auto gateway, checked_address(text, "gateway"));
    if (gateway.family == family) {
        request.add(RTA_GATEWAY, gateway.bytes());
        return {};
    }
    const auto via_family = static_cast<std::uint16_t>(gateway.family);
    std::vector<std::byte> via(sizeof(via_family));
    std::memcpy(via.data(), &via_family, sizeof(via_family));
    via.insert(via.end(), gateway.bytes().begin(), gateway.bytes().end());
    request.add(RTA_VIA, via);
    return {};
}

Result<void> add_only_next_hop(Request& request, const NextHop& hop, int family, const IndexOfName& indexes) {
    NACRE_ASSIGN(const auto index, checked_index(hop.interface, indexes));
    request.add(RTA_OIF, index);
    return add_gateway(request, hop.gateway, family);
}

/// RTA_MULTIPATH: for each a header that counts its attributes in.
Result<void> add_next_hops(Request& request, const std::vector<NextHop>& hops, int family,
                           const IndexOfName& indexes) {
    std::vector<std::byte> list;
    for (const auto& hop : hops) {
        rtnexthop header{};
        NACRE_ASSIGN(const auto index, checked_index(hop.interface, indexes));
        header.rtnh_ifindex = static_cast<int>(index);
        header.rtnh_hops = hop.weight;
        header.rtnh_flags = hop.on_link ? RTNH_F_ONLINK : 0;
        Request attributes(0, 0, header, "");
        NACRE_TRY(add_gateway(attributes, hop.gateway, family));
        const auto part = attributes.bytes().subspan(NLMSG_HDRLEN);
        header.rtnh_len = static_cast<std::uint16_t>(part.size());
        const auto start = list.size();
        list.insert(list.end(), part.begin(), part.end());
        std::memcpy(list.data() + start, &header, sizeof(header));
    }
    request.add(RTA_MULTIPATH, list);
    return {};
}

void add_metrics(Request& request, const Route& route) {
    if (route.mtu == 0 && route.advertised_mss == 0)
        return;
    const auto metrics = request.begin(RTA_METRICS);
    if (route.mtu != 0)
        request.add(RTAX_MTU, route.mtu);
    if (route.advertised_mss != 0)
        request.add(RTAX_ADVMSS, route.advertised_mss);
    request.end(metrics);
}

rtmsg route_header(const Route& route, int family) {
    rtmsg header{};
    header.rtm_family = static_cast<std::uint8_t>(family);
    header.rtm_dst_len = route.prefix;
    header.rtm_table = RT_TABLE_MAIN;
    header.rtm_type = route.type;
    header.rtm_scope = route.scope;
    header.rtm_protocol = route.protocol;
    if (route.next_hops.size() == 1 && route.next_hops.front().on_link)
        header.rtm_flags = RTNH_F_ONLINK;
    return header;
}

}  // namespace

netlink::Request dump_links() {
    return Request(RTM_GETLINK, NLM_F_DUMP, ifinfomsg{}, "read the interfaces");
}

netlink::Request dump_addresses() {
    return Request(RTM_GETADDR, NLM_F_DUMP, ifaddrmsg{}, "read the addresses");
}

netlink::Request dump_routes() {
    return Request(RTM_GETROUTE, NLM_F_DUMP, rtmsg{}, "read the routes");
}

netlink::Request dump_neighbours() {
    return Request(RTM_GETNEIGH, NLM_F_DUMP, ndmsg{}, "read the neighbours");
}

std::optional<Link> parse_link(const Message& message) {
    auto payload = message.payload;
    const auto header = netlink::take_header<ifinfomsg>(payload);
    if (message.type != RTM_NEWLINK || !header || header->ifi_index <= 0)
        return std::nullopt;
    const Attributes attributes(payload);
    Link link;
    link.index = static_cast<std::uint32_t>(header->ifi_index);
    link.name = attributes.text(IFLA_IFNAME);
    link.kind = attributes.nested(IFLA_LINKINFO).text(IFLA_INFO_KIND);
    link.mac = mac_text(attributes.find(IFLA_ADDRESS).value_or(Bytes()));
    link.mtu = attributes.number<std::uint32_t>(IFLA_MTU).value_or(0);
    link.flags = header->ifi_flags;
    link.type = header->ifi_type;
    link.has_master = attributes.find(IFLA_MASTER).has_value();
    link.makes_link_local = makes_link_local(attributes);
    return link;
}

std::optional<AddressOfLink> parse_address(const Message& message) {
    auto payload = message.payload;
    const auto header = netlink::take_header<ifaddrmsg>(payload);
    if (message.type != RTM_NEWADDR || !header)
        return std::nullopt;
    const Attributes attributes(payload);
    AddressOfLink found;
    found.link = header->ifa_index;
    // Of IPv6 addresses without a peer there is IFA_ADDRESS alone.
    const auto address = address_text(attributes, IFA_ADDRESS);
    const auto local = address_text(attributes, IFA_LOCAL);
    found.address.local = local.empty() ? address : local;
    found.address.peer = address == found.address.local ? "" : address;
    found.address.broadcast = address_text(attributes, IFA_BROADCAST);
    found.address.prefix = header->ifa_prefixlen;
    found.address.scope = header->ifa_scope;
    const auto flags = attributes.number<std::uint32_t>(IFA_FLAGS).value_or(header->ifa_flags);
    found.address.prefix_route = (flags & IFA_F_NOPREFIXROUTE) == 0;
    if (found.address.local.empty())
        return std::nullopt;
    return found;
}

std::optional<Route> parse_route(const Message& message, const NameOfIndex& names) {
    auto payload = message.payload;
    const auto header = netlink::take_header<rtmsg>(payload);
    if (message.type != RTM_NEWROUTE || !header || !is_main_route(*header, Attributes(payload)))
        return std::nullopt;
    const Attributes attributes(payload);
    Route route;
    route.destination = address_text(attributes, RTA_DST);
    if (route.destination.empty())
        route.destination = header->rtm_family == AF_INET ? "0.0.0.0" : "::";
    route.prefix = header->rtm_dst_len;
    route.type = header->rtm_type;
    route.scope = header->rtm_scope;
    route.protocol = header->rtm_protocol;
    route.metric = attributes.number<std::uint32_t>(RTA_PRIORITY).value_or(0);
    route.source = address_text(attributes, RTA_PREFSRC);
    const auto metrics = attributes.nested(RTA_METRICS);
    route.mtu = metrics.number<std::uint32_t>(RTAX_MTU).value_or(0);
    route.advertised_mss = metrics.number<std::uint32_t>(RTAX_ADVMSS).value_or(0);
    if (refuses(route.type))
        return route;
    route.next_hops = next_hops_of(*header, attributes, names);
    if (route.next_hops.empty())
        return std::nullopt;
    return route;
}

std::optional<Neighbour> parse_neighbour(const Message& message, const NameOfIndex& names) {
    auto payload = message.payload;
    const auto header = netlink::take_header<ndmsg>(payload);
    if (message.type != RTM_NEWNEIGH || !header || (header->ndm_state & NUD_PERMANENT) == 0 ||
        (header->ndm_flags & NTF_PROXY) != 0)
        return std::nullopt;
    const auto interface = names.find(static_cast<std::uint32_t>(header->ndm_ifindex));
    if (interface == names.end())
        return std::nullopt;
    const Attributes attributes(payload);
    Neighbour neighbour{interface->second, address_text(attributes, NDA_DST),
                        mac_text(attributes.find(NDA_LLADDR).value_or(Bytes()))};
    if (neighbour.address.empty() || neighbour.mac.empty())
        return std::nullopt;
    return neighbour;
}

Result<Request> make_address(std::uint32_t link, const InterfaceAddress& address) {
    NACRE_ASSIGN(const auto local, checked_address(address.local, "address"));
    const auto& peer_text = address.peer.empty() ? address.local : address.peer;
    NACRE_ASSIGN(const auto peer, checked_address(peer_text, local.family, "peer address"));
    ifaddrmsg header{};
    header.ifa_family = static_cast<std::uint8_t>(local.family);
    header.ifa_prefixlen = address.prefix;
    header.ifa_scope = address.scope;
    header.ifa_index = link;
    Request request(RTM_NEWADDR, create_flags, header,
                    fmt::format("give the guest's interface address {}/{}", address.local, address.prefix));
    request.add(IFA_LOCAL, local.bytes()).add(IFA_ADDRESS, peer.bytes());
    if (!address.broadcast.empty()) {
        NACRE_ASSIGN(const auto broadcast,
                     checked_address(address.broadcast, local.family, "broadcast address"));
        request.add(IFA_BROADCAST, broadcast.bytes());
    }
    // The host's network has found out already that the address is nobody else's.
    std::uint32_t flags = local.family == AF_INET6 ? IFA_F_NODAD : 0;
    if (!address.prefix_route)
        flags |= IFA_F_NOPREFIXROUTE;
    request.add(IFA_FLAGS, flags);
    return request;
}

Result<Request> make_route(const Route& route, const IndexOfName& indexes) {
    NACRE_ASSIGN(const auto destination, checked_address(route.destination, "destination"));
    if (route.prefix > destination.bits())
        return fail_with(EINVAL, "prefix {} of a route to {}", route.prefix, route.destination);
    Request request(RTM_NEWROUTE, NLM_F_CREATE | NLM_F_APPEND, route_header(route, destination.family),
                    fmt::format("add the guest's route to {}/{}", route.destination, route.prefix));
    // The kernel has made it with the address.
    request.tolerate(EEXIST);
    if (route.prefix > 0)
        request.add(RTA_DST, destination.bytes());
    if (route.metric != 0)
        request.add(RTA_PRIORITY, route.metric);
    if (!route.source.empty()) {
        NACRE_ASSIGN(const auto source, checked_address(route.source, destination.family, "source address"));
        request.add(RTA_PREFSRC, source.bytes());
    }
    add_metrics(request, route);
    if (route.next_hops.size() == 1)
        NACRE_TRY(add_only_next_hop(request, route.next_hops.front(), destination.family, indexes));
    else if (!route.next_hops.empty())
        NACRE_TRY(add_next_hops(request, route.next_hops, destination.family, indexes));
    return request;
}

Result<Request> make_neighbour(const Neighbour& neighbour, const IndexOfName& indexes) {
    NACRE_ASSIGN(const auto address, checked_address(neighbour.address, "neighbour"));
    NACRE_ASSIGN(const auto index, checked_index(neighbour.interface, indexes));
    const auto mac = parse_mac(neighbour.mac);
    if (mac.empty())
        return fail_with(EINVAL, "Ethernet address \"{}\"", neighbour.mac.substr(0, 64));
    ndmsg header{};
    header.ndm_family = static_cast<std::uint8_t>(address.family);
    header.ndm_ifindex = static_cast<int>(index);
    header.ndm_state = NUD_PERMANENT;
    Request request(RTM_NEWNEIGH, create_flags, header,
                    fmt::format("add the guest's neighbour {}", neighbour.address));
    request.add(NDA_DST, address.bytes()).add(NDA_LLADDR, mac);
    return request;
}

void add_link_local_mode(Request& request, bool makes_link_local) {
    const auto families = request.begin(IFLA_AF_SPEC);
    const auto ipv6 = request.begin(AF_INET6);
    request.add(
        IFLA_INET6_ADDR_GEN_MODE,
        static_cast<std::uint8_t>(makes_link_local ? IN6_ADDR_GEN_MODE_EUI64 : IN6_ADDR_GEN_MODE_NONE));
    request.end(ipv6);
    request.end(families);
}

Request set_link(std::uint32_t link, const Interface& interface) {
    Request request(RTM_NEWLINK, 0, link_header(link), fmt::format("set up the guest's {}", interface.name));
    request.add_text(IFLA_IFNAME, interface.name).add(IFLA_MTU, interface.mtu);
    add_link_local_mode(request, interface.makes_link_local);
    return request;
}

Request set_link_name(std::uint32_t link, const std::string& name) {
    Request request(RTM_NEWLINK, 0, link_header(link),
                    fmt::format("rename the guest's interface to {}", name));
    request.add_text(IFLA_IFNAME, name);
    return request;
}

Request set_link_up(std::uint32_t link) {
    auto header = link_header(link);
    header.ifi_flags = IFF_UP;
    header.ifi_change = IFF_UP;
    return Request(RTM_NEWLINK, 0, header, "bring the guest's interface up");
}

Request move_link(std::uint32_t link, int namespace_fd) {
    Request request(RTM_NEWLINK, 0, link_header(link),
                    "move the guest's interface into the container's namespace");
    request.add(IFLA_NET_NS_FD, static_cast<std::uint32_t>(namespace_fd));
    return request;
}

}  // namespace nacre::network
