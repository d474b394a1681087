#include "runtime/network/redirection.h"

#include <doctest/doctest.h>
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
};

Filter filter_in(const netlink::Request& request) {
    auto bytes = request.bytes();
    auto payload = netlink::take_message(bytes)->payload;
    const auto header = netlink::take_header<tcmsg>(payload);
    const auto action = netlink::Attributes(payload).nested(TCA_OPTIONS).nested(TCA_MATCHALL_ACT).nested(1);
    CHECK(action.text(TCA_ACT_KIND) == "mirred");
    const auto mirred = action.nested(TCA_ACT_OPTIONS).number<tc_mirred>(TCA_MIRRED_PARMS);
    REQUIRE(mirred);
    CHECK(mirred->eaction == TCA_EGRESS_REDIR);
    return {header->tcm_ifindex, mirred->ifindex, mirred->action};
}

}  // namespace

TEST_CASE("all that comes in on one goes out of the other, both ways") {
    const auto requests = make_redirection({5, 9, 1500});
    std::vector<Filter> filters;
    for (const auto& request : requests) {
        CHECK(request.is_valid());
        auto bytes = request.bytes();
        if (netlink::take_message(bytes)->type == RTM_NEWTFILTER)
            filters.push_back(filter_in(request));
    }
    REQUIRE(filters.size() == 2);
    CHECK(filters[0].from == 9);
    CHECK(filters[0].to == 5);
    CHECK(filters[1].from == 5);
    CHECK(filters[1].to == 9);
    CHECK(filters[0].action == TC_ACT_STOLEN);
}

TEST_CASE("what a VM before has left is removed first; nothing to remove is no error") {
    const auto requests = make_redirection({5, 9, 1500});
    auto bytes = requests.front().bytes();
    CHECK(netlink::take_message(bytes)->type == RTM_DELQDISC);
    CHECK(remove_redirection(5).tolerated() == ENOENT);
}
