#include "runtime/network/host_network.h"

#include <doctest/doctest.h>
#include <linux/if.h>
#include <linux/if_arp.h>
#include <linux/rtnetlink.h>

#include "guest-agent/network/rtnetlink.h"

using namespace nacre;
using namespace nacre::runtime;
using namespace nacre::protocol;

namespace {

using Messages = std::vector<std::byte>;

void add(Messages& messages, const netlink::Request& request) {
    messages.insert(messages.end(), request.bytes().begin(), request.bytes().end());
}

netlink::Request link(int index, const std::string& name, const std::string& kind = "veth",
                      std::uint16_t hardware = ARPHRD_ETHER) {
    ifinfomsg header{};
    header.ifi_index = index;
    header.ifi_type = hardware;
    header.ifi_flags = IFF_UP;
    const std::array<std::uint8_t, 6> mac{2, 0, 0, 0, 0, static_cast<std::uint8_t>(index)};
    netlink::Request request(RTM_NEWLINK, 0, header, "");
    request.add_text(IFLA_IFNAME, name)
        .add(IFLA_MTU, std::uint32_t{1500})
        .add(IFLA_ADDRESS, netlink::bytes_of(mac));
    const auto info = request.begin(IFLA_LINKINFO);
    request.add_text(IFLA_INFO_KIND, kind);
    request.end(info);
    return request;
}

Messages links(const std::vector<netlink::Request>& requests) {
    Messages messages;
    for (const auto& request : requests)
        add(messages, request);
    return messages;
}

const network::IndexOfName indexes{{"eth0", 2}};

Route route(std::string destination, std::uint8_t prefix, std::uint8_t made_by) {
    Route made;
    made.destination = std::move(destination);
    made.prefix = prefix;
    made.type = RTN_UNICAST;
    made.protocol = made_by;
    made.next_hops = {{"eth0", "", false, 0}};
    return made;
}

HostNetwork eth0_with(const std::vector<InterfaceAddress>& addresses, const std::vector<Route>& routes) {
    Messages address_messages;
    Messages route_messages;
    for (const auto& address : addresses)
        add(address_messages, *network::make_address(2, address));
    for (const auto& entry : routes)
        add(route_messages, *network::make_route(entry, indexes));
    auto network = network_in(*interfaces_in(links({link(2, "eth0")})), address_messages, route_messages, {});
    REQUIRE(network);
    return std::move(*network);
}

}  // namespace

TEST_CASE("interfaces for the guest are Ethernet ones, but tunnels and parts of others") {
    auto port = link(7, "port0");
    port.add(IFLA_MASTER, std::uint32_t{8});
    const auto found = interfaces_in(links(
        {link(1, "lo", "", ARPHRD_LOOPBACK), link(2, "eth0"), link(3, "gretap0", "gretap"),
         link(4, "tunl0", "ipip", ARPHRD_TUNNEL), link(5, "tap0", "tun"), link(6, "net1", "macvlan"), port}));
    REQUIRE(found);
    REQUIRE(found->size() == 2);
    CHECK((*found)[0].settings.name == "eth0");
    CHECK((*found)[0].mac == "02:00:00:00:00:02");
    CHECK((*found)[0].settings.up);
    CHECK((*found)[1].settings.name == "net1");
}

TEST_CASE("a namespace whose interfaces another VM has is refused") {
    const auto found = interfaces_in(links({link(2, "eth0"), link(3, "nacre0", "tun")}));
    REQUIRE_FALSE(found);
    CHECK(found.error().code == EBUSY);
}

TEST_CASE("more interfaces, addresses or routes than a message holds are refused") {
    std::vector<netlink::Request> many;
    for (int index = 1; index <= 17; ++index)
        many.push_back(link(index, fmt::format("eth{}", index)));
    CHECK_FALSE(interfaces_in(links(many)));
    Messages addresses;
    for (int count = 0; count <= 256; ++count)
        add(addresses, *network::make_address(2, {"10.0.0.1", "", "", 24, 0, true}));
    CHECK_FALSE(network_in(*interfaces_in(links({link(2, "eth0")})), addresses, {}, {}));
}

TEST_CASE("an address makes its route in the guest only where the host has that") {
    const InterfaceAddress address{"10.1.2.3", "", "", 16, 0, true};
    CHECK(eth0_with({address}, {route("10.1.0.0", 16, RTPROT_KERNEL)})
              .interfaces[0]
              .settings.addresses[0]
              .prefix_route);
    CHECK_FALSE(eth0_with({address}, {}).interfaces[0].settings.addresses[0].prefix_route);
    CHECK_FALSE(eth0_with({address}, {route("10.1.0.0", 16, RTPROT_STATIC)})
                    .interfaces[0]
                    .settings.addresses[0]
                    .prefix_route);
    CHECK_FALSE(eth0_with({address}, {route("10.1.2.0", 24, RTPROT_KERNEL)})
                    .interfaces[0]
                    .settings.addresses[0]
                    .prefix_route);
}

TEST_CASE("the route of IPv6 link-local addresses is the guest kernel's own") {
    const auto network =
        eth0_with({}, {route("fe80::", 64, RTPROT_KERNEL), route("fd00::", 64, RTPROT_KERNEL)});
    REQUIRE(network.routes.size() == 1);
    CHECK(network.routes[0].destination == "fd00::");
}

TEST_CASE("addresses of other interfaces are not the guest's") {
    Messages addresses;
    add(addresses, *network::make_address(1, {"127.0.0.1", "", "", 8, 0, true}));
    const auto network = network_in(*interfaces_in(links({link(2, "eth0")})), addresses, {}, {});
    CHECK(network->interfaces[0].settings.addresses.empty());
}
