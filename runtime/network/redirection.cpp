#include "runtime/network/redirection.h"

#include <arpa/inet.h>
#include <linux/if.h>
#include <linux/if_ether.h>
#include <linux/pkt_cls.h>
#include <linux/pkt_sched.h>
#include <linux/rtnetlink.h>
#include <linux/tc_act/tc_mirred.h>

#include "guest-agent/network/rtnetlink.h"

namespace nacre::runtime {

namespace {

using netlink::Request;

constexpr std::uint32_t ingress_handle = TC_H_MAKE(TC_H_INGRESS, 0);

tcmsg qdisc_header(std::uint32_t interface) {
    tcmsg header{};
    header.tcm_family = AF_UNSPEC;
    header.tcm_ifindex = static_cast<int>(interface);
    header.tcm_handle = ingress_handle;
    header.tcm_parent = TC_H_INGRESS;
    return header;
}

Request make_ingress(std::uint32_t interface) {
    Request request(RTM_NEWQDISC, NLM_F_CREATE | NLM_F_EXCL, qdisc_header(interface),
                    "make an ingress qdisc");
    request.add_text(TCA_KIND, "ingress");
    return request;
}

/// What is done with frames that a filter has found.
struct Mirred {
    int action;      // TCA_EGRESS_…
    int afterwards;  // TC_ACT_…
};
constexpr Mirred redirected{TCA_EGRESS_REDIR, TC_ACT_STOLEN};
constexpr Mirred mirrored{TCA_EGRESS_MIRROR, TC_ACT_OK};

void add_action(Request& request, std::uint16_t attribute, const Mirred& what, std::uint32_t to) {
    tc_mirred mirred{};
    mirred.action = what.afterwards;
    mirred.eaction = what.action;
    mirred.ifindex = to;
    const auto actions = request.begin(attribute);
    const auto first = request.begin(1);
    request.add_text(TCA_ACT_KIND, "mirred");
    const auto options = request.begin(TCA_ACT_OPTIONS);
    request.add(TCA_MIRRED_PARMS, netlink::bytes_of(mirred));
    request.end(options);
    request.end(first);
    request.end(actions);
}

Request make_filter(std::uint32_t from, std::uint32_t priority, std::uint16_t protocol, const char* what) {
    tcmsg header{};
    header.tcm_family = AF_UNSPEC;
    header.tcm_ifindex = static_cast<int>(from);
    header.tcm_parent = ingress_handle;
    header.tcm_info = TC_H_MAKE(priority << 16, htons(protocol));
    return Request(RTM_NEWTFILTER, NLM_F_CREATE | NLM_F_EXCL, header, what);
}

Request redirect(std::uint32_t from, std::uint32_t to) {
    constexpr std::uint32_t last = 3;
    auto request =
        make_filter(from, last, ETH_P_ALL,
                    "redirect what an interface receives (the kernel needs cls_matchall and act_mirred)");
    request.add_text(TCA_KIND, "matchall");
    const auto options = request.begin(TCA_OPTIONS);
    add_action(request, TCA_MATCHALL_ACT, redirected, to);
    request.end(options);
    return request;
}

Request mirror_arp(std::uint32_t from, std::uint32_t to) {
    auto request =
        make_filter(from, 1, ETH_P_ARP, "mirror ARP (the kernel needs cls_matchall and act_mirred)");
    request.add_text(TCA_KIND, "matchall");
    const auto options = request.begin(TCA_OPTIONS);
    add_action(request, TCA_MATCHALL_ACT, mirrored, to);
    request.end(options);
    return request;
}

Request mirror_names(std::uint32_t from, std::uint32_t to) {
    auto request = make_filter(from, 2, ETH_P_IP,
                               "mirror answers of name servers (the kernel needs cls_flower and act_mirred)");
    request.add_text(TCA_KIND, "flower");
    const auto options = request.begin(TCA_OPTIONS);
    const std::uint16_t ip = htons(ETH_P_IP);
    const std::uint8_t udp = IPPROTO_UDP;
    const std::uint16_t port_of_names = htons(53);
    request.add(TCA_FLOWER_KEY_ETH_TYPE, ip);
    request.add(TCA_FLOWER_KEY_IP_PROTO, udp);
    request.add(TCA_FLOWER_KEY_UDP_SRC, port_of_names);
    add_action(request, TCA_FLOWER_ACT, mirrored, to);
    request.end(options);
    return request;
}

Request bring_tap_up(const Redirection& redirection) {
    ifinfomsg header{};
    header.ifi_index = static_cast<int>(redirection.tap);
    header.ifi_flags = IFF_UP;
    header.ifi_change = IFF_UP;
    Request request(RTM_NEWLINK, 0, header, "bring a tap device up");
    request.add(IFLA_MTU, redirection.mtu);
    return request;
}

/// A request of its own, before that: of one, the kernel would take the flags first.
Request keep_addresses_off(std::uint32_t tap) {
    ifinfomsg header{};
    header.ifi_index = static_cast<int>(tap);
    Request request(RTM_NEWLINK, 0, header, "set a tap device's addresses");
    network::add_link_local_mode(request, false);
    // A kernel without IPv6 gives it none.
    request.tolerate(EAFNOSUPPORT);
    return request;
}

}  // namespace

std::vector<Request> make_redirection(const Redirection& redirection) {
    std::vector<Request> requests{remove_redirection(redirection.interface)};
    requests.push_back(keep_addresses_off(redirection.tap));
    requests.push_back(bring_tap_up(redirection));
    requests.push_back(make_ingress(redirection.tap));
    requests.push_back(make_ingress(redirection.interface));
    requests.push_back(redirect(redirection.tap, redirection.interface));
    if (redirection.shares_names) {
        requests.push_back(mirror_arp(redirection.interface, redirection.tap));
        requests.push_back(mirror_names(redirection.interface, redirection.tap));
    }
    requests.push_back(redirect(redirection.interface, redirection.tap));
    return requests;
}

Request remove_redirection(std::uint32_t interface) {
    auto header = qdisc_header(interface);
    header.tcm_handle = 0;
    Request request(RTM_DELQDISC, 0, header, "remove an ingress qdisc");
    request.tolerate(ENOENT);
    return request;
}

}  // namespace nacre::runtime
