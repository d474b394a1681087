#include "vmm/control/message.h"

#include <doctest/doctest.h>

using namespace nacre::control;

TEST_CASE("what is not a request is refused with what is wrong with it") {
    const auto error_of = [](std::string_view text) { return decode_request(text).error().message; };
    CHECK(error_of("").find("not JSON") != std::string::npos);
    CHECK(error_of("[]") == "message is not a JSON object");
    CHECK(error_of("{}") == "\"type\" is missing");
    CHECK(error_of(R"({"type":"launch"})") == "message of unknown type \"launch\"");
    CHECK(error_of(R"({"type":"detach_device"})") == "detach_device: \"slot\" is missing");
    CHECK(error_of(R"({"type":"detach_device","slot":-1})") ==
          "detach_device: slot: must be a whole number from 0 to 4294967295");
    CHECK(error_of(R"({"type":"attach_network","mac":"","mtu":-1,"vhost":false})") ==
          "attach_network: mtu: must be a whole number from 0 to 4294967295");
    CHECK(error_of(R"({"type":"attach_network","mac":"","mtu":0})") ==
          "attach_network: \"vhost\" is missing");
    CHECK_FALSE(decode_request(R"({"type":"done"})"));
}

TEST_CASE("requests and replies read as they were written") {
    const auto request = decode_request(encode(RequestMessage{DetachDevice{7}}));
    REQUIRE(request);
    CHECK(std::get<DetachDevice>(*request).slot == 7);
    const auto resize = decode_request(encode(RequestMessage{ResizeMemory{512}}));
    REQUIRE(resize);
    CHECK(std::get<ResizeMemory>(*resize).mebibytes == 512);
    const auto add = decode_request(encode(RequestMessage{AddVcpus{4}}));
    REQUIRE(add);
    CHECK(std::get<AddVcpus>(*add).count == 4);
    const auto vcpus = decode_reply(encode(Reply{VcpuCount{3}}));
    REQUIRE(vcpus);
    CHECK(std::get<VcpuCount>(*vcpus).count == 3);
    const auto size = decode_reply(encode(Reply{MemorySize{512, 1024}}));
    REQUIRE(size);
    CHECK(std::get<MemorySize>(*size).mebibytes == 512);
    CHECK(std::get<MemorySize>(*size).requested_mebibytes == 1024);
    const auto network = decode_request(encode(
        RequestMessage{AttachNetwork{"02:00:00:00:00:01", 9000, true, {1, 2, 3, 4}, {5, 6, 7, 1ULL << 33}}}));
    REQUIRE(network);
    CHECK(std::get<AttachNetwork>(*network).mac == "02:00:00:00:00:01");
    CHECK(std::get<AttachNetwork>(*network).mtu == 9000);
    CHECK(std::get<AttachNetwork>(*network).vhost);
    CHECK(std::get<AttachNetwork>(*network).receive.bytes_burst == 2);
    CHECK(std::get<AttachNetwork>(*network).transmit.operations_burst == 1ULL << 33);
    const auto disk = decode_request(encode(RequestMessage{AttachDisk{true, "id", 2, {0, 0, 3, 4}}}));
    REQUIRE(disk);
    CHECK(std::get<AttachDisk>(*disk).limit.operations_per_second == 3);
    const auto attached = decode_reply(encode(Reply{Attached{5}}));
    REQUIRE(attached);
    CHECK(std::get<Attached>(*attached).slot == 5);
    const auto failed = decode_reply(encode(Reply{Failed{28, "no \"room\""}}));
    REQUIRE(failed);
    CHECK(std::get<Failed>(*failed).code == 28);
    CHECK(std::get<Failed>(*failed).message == "no \"room\"");
    const auto done = decode_reply(encode(Reply{Done{}}));
    REQUIRE(done);
    CHECK(std::holds_alternative<Done>(*done));
}
