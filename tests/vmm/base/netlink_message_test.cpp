#include "vmm/base/netlink_message.h"

#include <doctest/doctest.h>
#include <linux/netlink.h>
#include <linux/rtnetlink.h>

#include "vmm/base/netlink_socket.h"

using namespace nacre;
using namespace nacre::netlink;

namespace {

Request link_request() {
    ifinfomsg header{};
    header.ifi_index = 7;
    return Request(RTM_NEWLINK, NLM_F_CREATE, header, "make a link");
}

std::vector<std::byte> copy_of(Bytes bytes) {
    return {bytes.begin(), bytes.end()};
}

}  // namespace

TEST_CASE("a message that is cut short, or says that it is longer than what there is, is none") {
    const auto whole = copy_of(link_request().add_text(IFLA_IFNAME, "eth0").bytes());
    for (std::size_t size = 0; size < whole.size(); ++size) {
        Bytes cut = Bytes(whole).first(size);
        CHECK_FALSE(take_message(cut));
    }
    for (const std::uint32_t length : {0U, 1U, 15U, 0xffffffffU}) {
        auto wrong = whole;
        std::memcpy(wrong.data(), &length, sizeof(length));
        Bytes left(wrong);
        CHECK_FALSE(take_message(left));
    }
}

TEST_CASE("attributes end at the first that is cut short or has no room for itself") {
    auto request = link_request();
    request.add(IFLA_MTU, std::uint32_t{1500}).add_text(IFLA_IFNAME, "eth0");
    auto bytes = copy_of(request.bytes().subspan(NLMSG_HDRLEN + sizeof(ifinfomsg)));
    CHECK(Attributes(bytes).text(IFLA_IFNAME) == "eth0");
    CHECK_FALSE(Attributes(Bytes(bytes).first(bytes.size() - 4)).find(IFLA_IFNAME));
    for (const int length : {0, 1, 3, 200}) {
        auto wrong = bytes;
        const auto field = static_cast<std::uint16_t>(length);
        std::memcpy(wrong.data(), &field, sizeof(field));
        CHECK_FALSE(Attributes(wrong).find(IFLA_IFNAME));
    }
    CHECK_FALSE(Attributes(Bytes()).find(IFLA_IFNAME));
}

TEST_CASE("a number in fewer bytes than it needs is none") {
    auto request = link_request();
    request.add(IFLA_MTU, std::uint16_t{5});
    const Attributes attributes(request.bytes().subspan(NLMSG_HDRLEN + sizeof(ifinfomsg)));
    CHECK_FALSE(attributes.number<std::uint32_t>(IFLA_MTU));
    CHECK(attributes.number<std::uint16_t>(IFLA_MTU) == 5);
}

TEST_CASE("an attribute that is longer than its 16 bits say makes the request invalid, not a shorter one") {
    auto request = link_request();
    request.add_text(IFLA_IFNAME, std::string(65536, 'x'));
    CHECK_FALSE(request.is_valid());
    auto nested = link_request();
    const auto begun = nested.begin(IFLA_LINKINFO);
    for (int count = 0; count < 3; ++count)
        nested.add_text(IFLA_INFO_KIND, std::string(30000, 'x'));
    nested.end(begun);
    CHECK_FALSE(nested.is_valid());
}

TEST_CASE("what was put together comes apart again") {
    auto request = link_request();
    const auto begun = request.begin(IFLA_LINKINFO | NLA_F_NESTED);
    request.add_text(IFLA_INFO_KIND, "veth");
    request.end(begun);
    request.add(IFLA_MTU, std::uint32_t{9000});
    CHECK(request.is_valid());
    Bytes left = request.bytes();
    const auto message = take_message(left);
    REQUIRE(message);
    CHECK(left.empty());
    CHECK(message->type == RTM_NEWLINK);
    CHECK(message->flags == (NLM_F_REQUEST | NLM_F_CREATE));
    auto payload = message->payload;
    CHECK(take_header<ifinfomsg>(payload)->ifi_index == 7);
    CHECK(Attributes(payload).nested(IFLA_LINKINFO).text(IFLA_INFO_KIND) == "veth");
    CHECK(Attributes(payload).number<std::uint32_t>(IFLA_MTU) == 9000);
}

TEST_CASE("the kernel answers a dump, and a request that it cannot carry out with a reason") {
    auto socket = Socket::open(NETLINK_ROUTE);
    REQUIRE(socket);
    const auto links = socket->dump(Request(RTM_GETLINK, NLM_F_DUMP, ifinfomsg{}, "read links"));
    REQUIRE(links);
    Bytes left(*links);
    CHECK(take_message(left)->type == RTM_NEWLINK);
    ifinfomsg nowhere{};
    nowhere.ifi_index = 0x7fffffff;
    const Request wrong(RTM_NEWLINK, 0, nowhere, "change nothing");
    auto tolerated = wrong;
    tolerated.tolerate(ENODEV).tolerate(EPERM);
    const auto done = socket->execute({wrong, wrong});
    REQUIRE_FALSE(done);
    CHECK(done.error().message.starts_with("change nothing: "));
    // What was not asked for any more does not disturb the next one.
    CHECK(socket->dump(Request(RTM_GETLINK, NLM_F_DUMP, ifinfomsg{}, "read links")));
}
