// The kernel's answers on a netlink socket: those about a network namespace tell what other programs put into it.

#include "guest-agent/network/rtnetlink.h"
#include "tests/fuzz/input.h"

using namespace nacre;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    auto left = std::as_bytes(std::span(data, size));
    const network::NameOfIndex names{{1, "lo"}, {2, "eth0"}};
    for (auto before = left.size(); const auto message = netlink::take_message(left); before = left.size()) {
        fuzz::require(left.size() < before);
        static_cast<void>(network::parse_link(*message));
        static_cast<void>(network::parse_address(*message));
        static_cast<void>(network::parse_route(*message, names));
        static_cast<void>(network::parse_neighbour(*message, names));
    }
    return 0;
}
