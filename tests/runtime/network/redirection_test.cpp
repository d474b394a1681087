#include "runtime/network/redirection.h"

#include <arpa/inet.h>
#include <doctest/doctest.h>
#include <linux/if_ether.h>
#include <linux/pkt_cls.h>
#include <linux/pkt_sched.h>
#include <linux/rtnetlink.h>
#include <linux/tc_act/tc_mirred.h>

using namespace nacre;
using namespace nacre::runtime;

namespace {

struct Filter {
    int from;
    std::uint32_t to;
    int action;
    int afterwards;
    std::uint16_t protocol;
    std::string kind;
};

Filter filter_in(const netlink::Request& request) {
    auto bytes = request.bytes();
    auto payload = netlink::take_message(bytes)->payload;
    const auto header = netlink::take_header<tcmsg>(payload);
    const netlink::Attributes attributes(payload);
    const auto kind = attributes.text(TCA_KIND);
    const std::uint16_t place =
        kind == "flower" ? std::uint16_t{TCA_FLOWER_ACT} : std::uint16_t{TCA_MATCHALL_ACT};
    const auto action = attributes.nested(TCA_OPTIONS).nested(place).nested(1);
    CHECK(action.text(TCA_ACT_KIND) == "mirred");
    const auto mirred = action.nested(TCA_ACT_OPTIONS).number<tc_mirred>(TCA_MIRRED_PARMS);
    REQUIRE(mirred);
    const auto protocol = ntohs(static_cast<std::uint16_t>(TC_H_MIN(header->tcm_info)));
    return {header->tcm_ifindex, mirred->ifindex, mirred->eaction, mirred->action, protocol, kind};
}

std::vector<Filter> filters_in(const std::vector<netlink::Request>& requests) {
    std::vector<Filter> filters;
    for (const auto& request : requests) {
        CHECK(request.is_valid());
        auto bytes = request.bytes();
        if (netlink::take_message(bytes)->type == RTM_NEWTFILTER)
            filters.push_back(filter_in(request));
    }
    return filters;
}

}  // namespace

TEST_CASE("all that comes in on one goes out of the other, both ways") {
    const auto filters = filters_in(make_redirection({5, 9, 1500}));
    REQUIRE(filters.size() == 2);
    CHECK(filters[0].from == 9);
    CHECK(filters[0].to == 5);
    CHECK(filters[1].from == 5);
    CHECK(filters[1].to == 9);
    for (const auto& filter : filters) {
        CHECK(filter.action == TCA_EGRESS_REDIR);
        CHECK(filter.afterwards == TC_ACT_STOLEN);
        CHECK(filter.protocol == ETH_P_ALL);
    }
}

TEST_CASE("beside docker's name server, ARP and answers to DNS questions reach namespace and guest") {
    const auto filters = filters_in(make_redirection({5, 9, 1500, true}));
    REQUIRE(filters.size() == 4);
    for (const auto place : {std::size_t{1}, std::size_t{2}}) {
        CHECK(filters[place].from == 5);
        CHECK(filters[place].to == 9);
        CHECK(filters[place].action == TCA_EGRESS_MIRROR);
        CHECK(filters[place].afterwards == TC_ACT_OK);
    }
    CHECK(filters[1].protocol == ETH_P_ARP);
    CHECK(filters[2].protocol == ETH_P_IP);
    CHECK(filters[2].kind == "flower");
    CHECK(filters[3].action == TCA_EGRESS_REDIR);
}

TEST_CASE("what a VM before has left is removed first; nothing to remove is no error") {
    const auto requests = make_redirection({5, 9, 1500});
    auto bytes = requests.front().bytes();
    CHECK(netlink::take_message(bytes)->type == RTM_DELQDISC);
    CHECK(remove_redirection(5).tolerated() == ENOENT);
}
