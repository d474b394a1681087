#include "guest-agent/network/rtnetlink.h"

#include <doctest/doctest.h>
#include <linux/if_arp.h>
#include <linux/if_link.h>
#include <linux/ipv6.h>
#include <linux/rtnetlink.h>
#include <sys/socket.h>

#include "guest-agent/network/ip_address.h"

using namespace nacre;
using namespace nacre::network;
using namespace nacre::protocol;

namespace {

const NameOfIndex names{{2, "eth0"}, {3, "net1"}};
const IndexOfName indexes{{"eth0", 2}, {"net1", 3}};

netlink::Message message_of(const netlink::Request& request) {
    auto bytes = request.bytes();
    return *netlink::take_message(bytes);
}

/// The route after a trip through the kernel's form of it.
Route round_trip(const Route& route) {
    const auto request = make_route(route, indexes);
    REQUIRE_MESSAGE(request, request.error().message);
    CHECK(request->is_valid());
    const auto parsed = parse_route(message_of(*request), names);
    REQUIRE(parsed);
    return *parsed;
}

Route route_to(std::string destination, std::uint8_t prefix, std::vector<NextHop> hops) {
    Route route;
    route.destination = std::move(destination);
    route.prefix = prefix;
    route.type = RTN_UNICAST;
    route.protocol = RTPROT_STATIC;
    route.next_hops = std::move(hops);
    return route;
}

InterfaceAddress address_round_trip(const InterfaceAddress& address) {
    const auto request = make_address(2, address);
    REQUIRE_MESSAGE(request, request.error().message);
    const auto parsed = parse_address(message_of(*request));
    REQUIRE(parsed);
    CHECK(parsed->link == 2);
    return parsed->address;
}

netlink::Request link_message(std::uint16_t hardware) {
    ifinfomsg header{};
    header.ifi_index = 2;
    header.ifi_type = hardware;
    netlink::Request request(RTM_NEWLINK, 0, header, "");
    return request;
}

/// With the interface's IPv6 settings as the kernel tells them.
netlink::Request link_with_ipv6(std::int32_t disabled, std::uint8_t mode) {
    auto request = link_message(ARPHRD_ETHER);
    std::array<std::int32_t, DEVCONF_MAX> settings{};
    settings.at(DEVCONF_DISABLE_IPV6) = disabled;
    const auto families = request.begin(IFLA_AF_SPEC);
    const auto ipv6 = request.begin(AF_INET6);
    request.add(IFLA_INET6_CONF, netlink::bytes_of(settings)).add(IFLA_INET6_ADDR_GEN_MODE, mode);
    request.end(ipv6);
    request.end(families);
    return request;
}

}  // namespace

TEST_CASE("messages of another type, without a whole header or about nothing are passed over") {
    const auto nothing = netlink::Message{RTM_NEWLINK, 0, 0, {}};
    CHECK_FALSE(parse_link(nothing));
    CHECK_FALSE(parse_address({RTM_NEWADDR, 0, 0, {}}));
    CHECK_FALSE(parse_route({RTM_NEWROUTE, 0, 0, {}}, names));
    CHECK_FALSE(parse_neighbour({RTM_NEWNEIGH, 0, 0, {}}, names));
    const auto request = link_message(ARPHRD_ETHER);
    auto link = message_of(request);
    CHECK(parse_link(link));
    link.type = RTM_DELLINK;
    CHECK_FALSE(parse_link(link));
    CHECK_FALSE(parse_address(message_of(netlink::Request(RTM_NEWADDR, 0, ifaddrmsg{}, ""))));
}

TEST_CASE("a link: name, kind, address, MTU") {
    auto request = link_message(ARPHRD_ETHER);
    const std::array<std::uint8_t, 6> mac{2, 0, 0, 0, 0, 9};
    request.add_text(IFLA_IFNAME, "eth0")
        .add(IFLA_MTU, std::uint32_t{1450})
        .add(IFLA_ADDRESS, netlink::bytes_of(mac));
    const auto info = request.begin(IFLA_LINKINFO);
    request.add_text(IFLA_INFO_KIND, "veth");
    request.end(info);
    const auto link = parse_link(message_of(request));
    REQUIRE(link);
    CHECK(link->name == "eth0");
    CHECK(link->kind == "veth");
    CHECK(link->mac == "02:00:00:00:00:09");
    CHECK(link->mtu == 1450);
    CHECK_FALSE(link->has_master);
    // Without IPv6 in the host's kernel there is nothing of it.
    CHECK_FALSE(link->makes_link_local);
}

TEST_CASE("a link makes its IPv6 link-local address unless IPv6 is off or somebody else does") {
    CHECK(parse_link(message_of(link_with_ipv6(0, IN6_ADDR_GEN_MODE_EUI64)))->makes_link_local);
    CHECK_FALSE(parse_link(message_of(link_with_ipv6(1, IN6_ADDR_GEN_MODE_EUI64)))->makes_link_local);
    CHECK_FALSE(parse_link(message_of(link_with_ipv6(0, IN6_ADDR_GEN_MODE_NONE)))->makes_link_local);
}

TEST_CASE("addresses go there and back: both families, peers, broadcast, without their route") {
    CHECK(address_round_trip({"10.1.0.5", "", "10.1.255.255", 16, RT_SCOPE_UNIVERSE, true}).broadcast ==
          "10.1.255.255");
    for (const InterfaceAddress& address :
         {InterfaceAddress{"10.1.0.5", "", "", 24, RT_SCOPE_UNIVERSE, true},
          InterfaceAddress{"10.1.0.5", "10.9.0.1", "", 32, RT_SCOPE_LINK, false},
          InterfaceAddress{"fd00::5", "", "", 64, RT_SCOPE_UNIVERSE, true},
          InterfaceAddress{"fe80::1", "", "", 64, RT_SCOPE_LINK, false}})
        CHECK(address_round_trip(address) == address);
}

TEST_CASE("the guest does not look for others with its IPv6 addresses") {
    const auto request = make_address(2, {"fd00::5", "", "", 64, 0, true});
    auto payload = message_of(*request).payload;
    (void)netlink::take_header<ifaddrmsg>(payload);
    CHECK((*netlink::Attributes(payload).number<std::uint32_t>(IFA_FLAGS) & IFA_F_NODAD) != 0);
}

TEST_CASE("addresses that are none are refused") {
    CHECK_FALSE(make_address(2, {"", "", "", 24, 0, true}));
    CHECK_FALSE(make_address(2, {"10.0.0.300", "", "", 24, 0, true}));
    CHECK_FALSE(make_address(2, {"10.0.0.3", "fd00::1", "", 24, 0, true}));
    CHECK_FALSE(make_address(2, {"10.0.0.3", "", "x", 24, 0, true}));
}

TEST_CASE("routes go there and back") {
    auto link = route_to("10.1.0.0", 16, {{"eth0", "", false, 0}});
    link.scope = RT_SCOPE_LINK;
    link.protocol = RTPROT_KERNEL;
    link.source = "10.1.0.5";
    CHECK(round_trip(link) == link);
    auto standard = route_to("0.0.0.0", 0, {{"eth0", "10.1.0.1", false, 0}});
    standard.metric = 100;
    standard.mtu = 1400;
    standard.advertised_mss = 1300;
    CHECK(round_trip(standard) == standard);
    const auto on_link = route_to("::", 0, {{"net1", "fe80::1", true, 0}});
    CHECK(round_trip(on_link) == on_link);
    const auto across = route_to("10.5.0.0", 16, {{"net1", "fe80::1", false, 0}});
    CHECK(round_trip(across) == across);
    const auto several =
        route_to("10.6.0.0", 16, {{"eth0", "10.1.0.1", false, 0}, {"net1", "10.2.0.1", true, 3}});
    CHECK(round_trip(several) == several);
    auto refusing = route_to("10.7.0.0", 16, {});
    refusing.type = RTN_BLACKHOLE;
    CHECK(round_trip(refusing) == refusing);
}

TEST_CASE("routes of other tables, through other interfaces, or of the kernel's own kinds are passed over") {
    const auto request = make_route(route_to("10.1.0.0", 16, {{"eth0", "", false, 0}}), indexes);
    CHECK(parse_route(message_of(*request), names));
    CHECK_FALSE(parse_route(message_of(*request), {{9, "other"}}));
    rtmsg local{};
    local.rtm_family = AF_INET;
    local.rtm_table = RT_TABLE_LOCAL;
    local.rtm_type = RTN_LOCAL;
    CHECK_FALSE(parse_route(message_of(netlink::Request(RTM_NEWROUTE, 0, local, "")), names));
    local.rtm_table = RT_TABLE_MAIN;
    CHECK_FALSE(parse_route(message_of(netlink::Request(RTM_NEWROUTE, 0, local, "")), names));
    local.rtm_type = RTN_UNICAST;
    local.rtm_family = AF_UNIX;
    CHECK_FALSE(parse_route(message_of(netlink::Request(RTM_NEWROUTE, 0, local, "")), names));
}

TEST_CASE("next hops that are cut short end the list") {
    rtmsg header{};
    header.rtm_family = AF_INET;
    header.rtm_table = RT_TABLE_MAIN;
    header.rtm_type = RTN_UNICAST;
    for (const int length : {0, 7, 9, 65535}) {
        rtnexthop hop{};
        hop.rtnh_len = static_cast<std::uint16_t>(length);
        hop.rtnh_ifindex = 2;
        netlink::Request request(RTM_NEWROUTE, 0, header, "");
        request.add(RTA_MULTIPATH, netlink::bytes_of(hop));
        CHECK_FALSE(parse_route(message_of(request), names));
    }
}

TEST_CASE("routes with an unknown interface, a wrong address or prefix are refused") {
    CHECK_FALSE(make_route(route_to("10.0.0.0", 8, {{"eth9", "", false, 0}}), indexes));
    CHECK_FALSE(make_route(route_to("10.0.0.0", 33, {{"eth0", "", false, 0}}), indexes));
    CHECK_FALSE(make_route(route_to("ten", 8, {{"eth0", "", false, 0}}), indexes));
    CHECK_FALSE(make_route(route_to("10.0.0.0", 8, {{"eth0", "gate", false, 0}}), indexes));
    CHECK_FALSE(
        make_route(route_to("10.0.0.0", 8, {{"eth0", "10.0.0.1", false, 0}, {"x", "", false, 0}}), indexes));
    auto route = route_to("10.0.0.0", 8, {{"eth0", "", false, 0}});
    route.source = "fd00::1";
    CHECK_FALSE(make_route(route, indexes));
}

TEST_CASE("permanent neighbours go there and back; others are passed over") {
    const Neighbour neighbour{"net1", "169.254.1.1", "ee:ee:ee:ee:ee:ee"};
    const auto request = make_neighbour(neighbour, indexes);
    REQUIRE(request);
    CHECK(parse_neighbour(message_of(*request), names) == neighbour);
    CHECK_FALSE(parse_neighbour(message_of(*request), {}));
    ndmsg learned{};
    learned.ndm_ifindex = 2;
    learned.ndm_state = NUD_REACHABLE;
    CHECK_FALSE(parse_neighbour(message_of(netlink::Request(RTM_NEWNEIGH, 0, learned, "")), names));
    CHECK_FALSE(make_neighbour({"net1", "169.254.1.1", "ee"}, indexes));
    CHECK_FALSE(make_neighbour({"net7", "169.254.1.1", "ee:ee:ee:ee:ee:ee"}, indexes));
    CHECK_FALSE(make_neighbour({"net1", "", "ee:ee:ee:ee:ee:ee"}, indexes));
}
