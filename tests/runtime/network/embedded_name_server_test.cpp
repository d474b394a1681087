#include "runtime/network/embedded_name_server.h"

#include <doctest/doctest.h>

using namespace nacre::runtime;

TEST_CASE("docker's name server is known by a socket at 127.0.0.11") {
    constexpr auto head =
        "   sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid\n";
    CHECK(lists_name_server(std::string(head) +
                            " 1030: 0B00007F:C1D5 00000000:0000 07 00000000:00000000 00\n"));
    CHECK_FALSE(lists_name_server(head));
    CHECK_FALSE(
        lists_name_server(std::string(head) + " 1030: 0100007F:0035 00000000:0000 07 00000000:00000000\n"));
    CHECK_FALSE(
        lists_name_server(std::string(head) + " 1030: 0100007F:0035 0B00007F:0035 01 00000000:00000000\n"));
}

TEST_CASE("what is too long for DNS is not asked") {
    CHECK_FALSE(ask_embedded_name_server(false, std::string(65536, 'x')));
    CHECK_FALSE(ask_embedded_name_server(true, std::string(65536, 'x')));
}
