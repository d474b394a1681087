#pragma once

#include <cstdint>
#include <string>
#include <vector>

/// A network as host and agent tell it each other: what rtnetlink(7) says of it, IP addresses as text
/// (inet_pton(3)), interfaces by name, numbers those of <linux/rtnetlink.h>.
namespace nacre::protocol {

/// How much of it one message may hold.
constexpr std::size_t max_interfaces = 16;
constexpr std::size_t max_addresses = 256;  // of one interface
constexpr std::size_t max_routes = 1024;
constexpr std::size_t max_next_hops = 64;  // of one route
constexpr std::size_t max_neighbours = 1024;

struct InterfaceAddress {
    std::string local;
    std::string peer;       // the other end of a point-to-point address; empty: there is none
    std::string broadcast;  // empty: there is none
    std::uint8_t prefix = 0;
    std::uint8_t scope = 0;    // RT_SCOPE_…
    bool prefix_route = true;  // the kernel makes the route to the address's network
    bool operator==(const InterfaceAddress&) const = default;
};

struct Interface {
    std::string found;  // as the guest's kernel has named it (DeviceFound)
    std::string name;   // as it is to be named
    std::uint32_t mtu = 0;
    bool up = false;
    bool makes_link_local = false;  // the kernel gives it its IPv6 link-local address
    std::vector<InterfaceAddress> addresses;
    bool operator==(const Interface&) const = default;
};

struct NextHop {
    std::string interface;
    std::string gateway;  // of either family; empty: the destination is on the link
    bool on_link = false;
    std::uint8_t weight = 0;  // among several, less 1
    bool operator==(const NextHop&) const = default;
};

struct Route {
    std::string destination;  // "0.0.0.0" and "::", with prefix 0, for a default route
    std::uint8_t prefix = 0;
    std::uint8_t type = 0;  // RTN_…: unicast, or one of those that refuse
    std::uint8_t scope = 0;
    std::uint8_t protocol = 0;  // RTPROT_…: who has made it
    std::uint32_t metric = 0;
    std::string source;                // the address that it prefers; empty: none
    std::uint32_t mtu = 0;             // 0: the interface's
    std::uint32_t advertised_mss = 0;  // 0: the kernel's choice
    std::vector<NextHop> next_hops;    // none for a route that refuses
    bool operator==(const Route&) const = default;
};

struct Neighbour {
    std::string interface;
    std::string address;
    std::string mac;  // "02:00:00:00:00:01"
    bool operator==(const Neighbour&) const = default;
};

/// Gives interfaces that were attached for a container their names, addresses, routes of the main table and
/// permanent neighbours, in the container's network namespace (answer: Done). A failure leaves part of it.
struct ConfigureNetwork {
    std::string id;  // of the container
    std::vector<Interface> interfaces;
    std::vector<Route> routes;
    std::vector<Neighbour> neighbours;
    bool name_server = false;  // docker's is at 127.0.0.11 of the host's namespace: NamesWanted follows
};

/// A DNS message has a length of 16 bits over TCP (RFC 1035, 4.2.2), and UDP carries no longer ones.
constexpr std::size_t max_name_message_bytes = 65535;

/// Takes the questions that are sent to 127.0.0.11 port 53 in a container's network namespace (answer: Done):
/// a NameQuestion for each. A host that does not take them loses them.
struct ServeNames {
    std::string id;  // of the container
};

/// A container's process asks the name server this.
struct NameQuestion {
    std::uint32_t number = 0;
    bool tcp = false;     // over TCP, else UDP: how it is to be asked
    std::string message;  // any bytes, without the length that TCP has before it
};

/// The answer to a NameQuestion (answer: Done, also when nobody waits for it any more).
struct NameAnswer {
    std::string id;  // of the container
    std::uint32_t number = 0;
    std::string message;
};

}  // namespace nacre::protocol
