#include "guest-agent/network/configure.h"

#include <doctest/doctest.h>
#include <linux/rtnetlink.h>

using namespace nacre;
using namespace nacre::agent;
using namespace nacre::protocol;

namespace {

const network::IndexOfName present{{"lo", 1}, {"eth0", 2}, {"eth1", 3}};

Interface interface(std::string found, std::string name) {
    return {std::move(found), std::move(name), 1500, true, false, {}};
}

ConfigureNetwork network_of(std::vector<Interface> interfaces) {
    return {"c", std::move(interfaces), {}, {}};
}

Route route(std::string destination, std::string gateway) {
    Route made;
    made.destination = std::move(destination);
    made.prefix = 8;
    made.type = RTN_UNICAST;
    made.next_hops = {{"eth0", std::move(gateway), false, 0}};
    return made;
}

std::vector<std::string> steps(const ConfigureNetwork& network) {
    const auto requests = network_requests(network, present);
    REQUIRE_MESSAGE(requests, requests.error().message);
    std::vector<std::string> what;
    for (const auto& request : *requests)
        what.push_back(request.what());
    return what;
}

}  // namespace

TEST_CASE("interfaces that are not there, or loopback, are refused") {
    CHECK_FALSE(network_requests(network_of({interface("eth7", "eth0")}), present));
    CHECK_FALSE(network_requests(network_of({interface("", "eth0")}), present));
    CHECK_FALSE(network_requests(network_of({interface("lo", "eth0")}), present));
}

TEST_CASE("names that Linux does not take, or that two are to have, are refused") {
    for (const std::string name : {"", ".", "..", "a/b", "a b", "a:b", "a\n", "lo", "sixteen-letters-"})
        CHECK_FALSE(network_requests(network_of({interface("eth0", name)}), present));
    CHECK_FALSE(network_requests(network_of({interface("eth0", std::string("a\0b", 3))}), present));
    CHECK_FALSE(network_requests(network_of({interface("eth0", "a"), interface("eth1", "a")}), present));
}

TEST_CASE("two interfaces may have each other's names") {
    CHECK(steps(network_of({interface("eth0", "eth1"), interface("eth1", "eth0")})) ==
          std::vector<std::string>{"rename the guest's interface to nacre-2",
                                   "rename the guest's interface to nacre-3", "set up the guest's eth1",
                                   "set up the guest's eth0", "bring the guest's interface up",
                                   "bring the guest's interface up"});
}

TEST_CASE(
    "what others need comes first: links, addresses, routes on the link, routes through gateways, "
    "neighbours") {
    auto network = network_of({interface("eth0", "eth0")});
    network.interfaces[0].addresses = {{"10.0.0.2", "", "", 24, 0, true}};
    network.routes = {route("12.0.0.0", "10.0.0.1"), route("11.0.0.0", "")};
    network.neighbours = {{"eth0", "10.0.0.1", "02:00:00:00:00:01"}};
    CHECK(steps(network) == std::vector<std::string>{
                                "set up the guest's eth0", "bring the guest's interface up",
                                "give the guest's interface address 10.0.0.2/24",
                                "add the guest's route to 11.0.0.0/8", "add the guest's route to 12.0.0.0/8",
                                "add the guest's neighbour 10.0.0.1"});
}

TEST_CASE("an interface that is down on the host stays down") {
    auto network = network_of({interface("eth0", "eth0")});
    network.interfaces[0].up = false;
    CHECK(steps(network) == std::vector<std::string>{"set up the guest's eth0"});
}
