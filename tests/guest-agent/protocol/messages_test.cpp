#include "guest-agent/protocol/messages.h"

#include <doctest/doctest.h>

#include <string>

using namespace nacre;
using namespace nacre::protocol;

namespace {

/// The message after a trip through its JSON form.
template <class T>
T round_trip(const T& message) {
    const auto decoded = decode(encode(message));
    REQUIRE_MESSAGE(decoded, decoded.error().message);
    REQUIRE(std::holds_alternative<T>(*decoded));
    return std::get<T>(*decoded);
}

std::string error_of(std::string_view text) {
    const auto decoded = decode(text);
    REQUIRE_FALSE(decoded);
    return decoded.error().message;
}

}  // namespace

TEST_CASE("text that is not a JSON object is refused") {
    for (const auto* text : {"", " ", "{", "[]", "1", "null", "\"hello\"", "{\"type\":\"done\"", "{} {}",
                             "{\"type\":\"done\"}x", "\xff\xfe"})
        CHECK_FALSE(decode(text));
}

TEST_CASE("nesting as deep as a frame allows does not exhaust the stack") {
    CHECK_FALSE(decode(std::string(4'000'000, '[')));
    CHECK_FALSE(decode("{\"type\":" + std::string(2'000'000, '[') + std::string(2'000'000, ']') + "}"));
}

TEST_CASE("the type must be there, a string, and known") {
    CHECK(error_of("{}") == "\"type\" is missing");
    CHECK(error_of("{\"type\":1}") == "type: must be a string");
    CHECK(error_of("{\"type\":\"nonsense\"}") == "message of unknown type \"nonsense\"");
    CHECK_FALSE(decode("{\"type\":\"done\\u0000\"}"));
    CHECK(error_of("{\"type\":\"" + std::string(1000, 'x') + "\"}").size() < 100);
}

TEST_CASE("a missing or mistyped member is refused with its place") {
    CHECK(error_of(R"({"type":"hello"})") == "hello: \"version\" is missing");
    CHECK(error_of(R"({"type":"start_container","id":7})") == "start_container: id: must be a string");
    CHECK(error_of(R"({"type":"start_container","id":null})") == "start_container: id: must be a string");
    CHECK(error_of(R"({"type":"signal_process","name":"c","signal":9,"all":false})") ==
          "signal_process: name: must be an object");
    CHECK(error_of(R"({"type":"signal_process","name":{"container":"c"},"signal":9,"all":false})") ==
          "signal_process: name: \"exec\" is missing");
    CHECK(error_of(R"({"type":"signal_process","name":{"container":"c","exec":""},"signal":9,"all":0})") ==
          "signal_process: all: must be true or false");
    CHECK(error_of(R"({"type":"attach_stream","name":{"container":"c","exec":""},"stream":"stdin"})") ==
          "attach_stream: stream: must be an object");
    CHECK(
        error_of(
            R"({"type":"exec_process","name":{"container":"c","exec":"e"},"process":"","cgroup":"","callers_terminal":false,"descriptors":[{"readable":false,"writable":false}]})") ==
        "exec_process: a descriptor that is neither readable nor writable");
    CHECK(error_of(
              R"({"type":"create_container","id":"c","config":"","rootfs":"r","host_rootfs":"","mounts":{},)"
              R"("member":false})") == "create_container: mounts: must be a list of at most 16384 elements");
    CHECK(error_of(
              R"({"type":"create_container","id":"c","config":"","rootfs":"r","host_rootfs":"","mounts":[1],)"
              R"("member":false})") == "create_container: mounts: must be an object");
}

TEST_CASE("numbers outside the member's range are refused") {
    for (const auto* number : {"-1", "1.5", "1e3", "4294967296", "18446744073709551616", "\"1\"", "true"})
        CHECK_FALSE(decode(std::string(R"({"type":"created","pid":)") + number + "}"));
    CHECK(decode(R"({"type":"created","pid":4294967295})"));
    const std::string resize =
        R"({"type":"resize_terminal","name":{"container":"c","exec":""},"columns":80,"rows":)";
    CHECK(decode(resize + "65535}"));
    CHECK_FALSE(decode(resize + "65536}"));
    CHECK(decode(R"({"type":"exited","status":255,"out_of_memory":false,"vm_stays":false})"));
    CHECK_FALSE(decode(R"({"type":"exited","status":256,"out_of_memory":false,"vm_stays":false})"));
    const std::string kill =
        R"({"type":"signal_process","name":{"container":"c","exec":""},"all":false,"signal":)";
    CHECK(decode(kill + "64}"));
    CHECK_FALSE(decode(kill + "65}"));
}

TEST_CASE("a list longer than any configuration is refused") {
    CreateContainer message;
    message.mounts.resize(16385);
    CHECK_FALSE(decode(encode(message)));
}

TEST_CASE("unknown members are ignored") {
    CHECK(decode(R"({"later":[1,{"a":2}],"type":"done","more":null})"));
}

TEST_CASE("every message survives its JSON form") {
    CHECK(round_trip(Hello{7}).version == 7);
    round_trip(Shutdown{});
    const auto create =
        round_trip(CreateContainer{"c1",
                                   "{\"a\":\"\\n\\\"\"}",
                                   "c1/rootfs",
                                   "/b/rootfs",
                                   {{3, "c1/mounts/3", {}}, {5, "x", {"a", "a/b"}}},
                                   {{DiskRole::mount, 4, "vda"}, {DiskRole::device, 0, "vdb"}},
                                   true,
                                   false,
                                   true,
                                   {{"ipc", "c0"}},
                                   {},
                                   "/run/notify/notify.sock"});
    CHECK(create.notify_socket == "/run/notify/notify.sock");
    CHECK(create.id == "c1");
    CHECK(create.config == "{\"a\":\"\\n\\\"\"}");
    CHECK(create.rootfs == "c1/rootfs");
    REQUIRE(create.mounts.size() == 2);
    CHECK(create.mounts[0].index == 3);
    CHECK(create.mounts[1].path == "x");
    CHECK(create.mounts[1].below == std::vector<std::string>{"a", "a/b"});
    CHECK(create.host_rootfs == "/b/rootfs");
    REQUIRE(create.disks.size() == 2);
    CHECK(create.disks[0].role == DiskRole::mount);
    CHECK(create.disks[0].index == 4);
    CHECK(create.disks[1].role == DiskRole::device);
    CHECK(create.disks[1].name == "vdb");
    CHECK(create.member);
    CHECK_FALSE(create.keep_vm);
    CHECK(create.callers_terminal);
    REQUIRE(create.namespaces.size() == 1);
    CHECK(create.namespaces[0].type == "ipc");
    CHECK(create.namespaces[0].container == "c0");
    CHECK(round_trip(StartContainer{"c"}).id == "c");
    const auto exec = round_trip(ExecProcess{{"c", "e"}, "{}", "a/b", {{true, false}, {true, true}}});
    CHECK(exec.name == ProcessName{"c", "e"});
    CHECK(exec.process == "{}");
    REQUIRE(exec.descriptors.size() == 2);
    CHECK(exec.descriptors[0].readable);
    CHECK_FALSE(exec.descriptors[0].writable);
    CHECK(exec.descriptors[1].writable);
    const auto signal = round_trip(SignalProcess{{"c", ""}, 15, true});
    CHECK(signal.signal == 15);
    CHECK(signal.all);
    const auto resize = round_trip(ResizeTerminal{{"c", "e"}, 24, 80});
    CHECK(resize.rows == 24);
    CHECK(resize.columns == 80);
    CHECK(round_trip(DeleteContainer{"c"}).id == "c");
    CHECK_FALSE(round_trip(FreezeContainer{"c", false}).frozen);
    CHECK(round_trip(UpdateContainer{"c", "{}"}).resources == "{}");
    CHECK(round_trip(ListProcesses{"c"}).id == "c");
    CHECK(round_trip(ReadProcFiles{"c", 7}).after == 7);
    const auto files = round_trip(ProcFiles{1'700'000'000, 4026531836, {{7, "7 (a)", "b", "c", "d"}}, true});
    CHECK(files.pid_namespace == 4026531836);
    CHECK(files.more);
    REQUIRE(files.processes.size() == 1);
    CHECK(files.processes[0].stat == "7 (a)");
    CHECK(files.processes[0].label == "d");
    CHECK(round_trip(ReadCgroup{"c"}).id == "c");
    CHECK(round_trip(WatchContainer{"c"}).id == "c");
    const auto processes = round_trip(Processes{{{7, 1, 1000, 3, 60, "S", "pts/0", "sh", "sh -c x"}}, 2});
    CHECK(processes.left_out == 2);
    REQUIRE(processes.processes.size() == 1);
    CHECK(processes.processes[0].parent == 1);
    CHECK(processes.processes[0].command == "sh -c x");
    const auto figures = round_trip(CgroupFiles{{{"pids.current", "1\n"}}});
    REQUIRE(figures.files.size() == 1);
    CHECK(figures.files[0].content == "1\n");
    for (const auto stream : {standard_input, standard_output, standard_error, Stream{7, true}})
        CHECK(round_trip(AttachStream{{"c", ""}, stream}).stream == stream);
    const auto connect = round_trip(ConnectPort{"c", 65535});
    CHECK(connect.id == "c");
    CHECK(connect.port == 65535);
    round_trip(Done{});
    CHECK(round_trip(Created{42}).pid == 42);
    const auto failed = round_trip(Failed{2, "exec: \"x\": no such file"});
    CHECK(failed.code == 2);
    CHECK(failed.message == "exec: \"x\": no such file");
    const auto exited = round_trip(Exited{137, true, true});
    CHECK(exited.vm_stays);
    CHECK(exited.status == 137);
    CHECK(exited.out_of_memory);
    round_trip(OutOfMemory{});
    CHECK(round_trip(WatchNotifications{"c"}).id == "c");
    CHECK(round_trip(Notification{"READY=1\n\xff"}).text == "READY=1\n\xff");
}

TEST_CASE("a network goes there and back, and holds no more than it may") {
    const InterfaceAddress address{"10.0.0.2", "10.0.0.1", "10.0.0.255", 24, 253, false};
    const Interface interface {
        "eth0", "net1", 9000, true, true, { address }
    };
    const Route route{"10.1.0.0", 16,         1,    253,  4,
                      100,        "10.0.0.2", 1400, 1300, {{"net1", "10.0.0.1", true, 3}}};
    const Neighbour neighbour{"net1", "10.0.0.1", "02:00:00:00:00:01"};
    const auto network = round_trip(ConfigureNetwork{"c", {interface}, {route}, {neighbour}});
    CHECK(network.id == "c");
    CHECK(network.interfaces == std::vector{interface});
    CHECK(network.routes == std::vector{route});
    CHECK(network.neighbours == std::vector{neighbour});
    auto crowd = interface;
    crowd.addresses.resize(max_addresses + 1, address);
    auto fan = route;
    fan.next_hops.resize(max_next_hops + 1);
    const auto too_much = [](const ConfigureNetwork& message) { return !decode(encode(message)); };
    CHECK(too_much({"c", std::vector(max_interfaces + 1, interface), {}, {}}));
    CHECK(too_much({"c", {crowd}, {}, {}}));
    CHECK(too_much({"c", {}, std::vector(max_routes + 1, route), {}}));
    CHECK(too_much({"c", {}, {fan}, {}}));
    CHECK(too_much({"c", {}, {}, std::vector(max_neighbours + 1, neighbour)}));
}

TEST_CASE("text with every byte survives, valid UTF-8 or not") {
    std::string text;
    for (int c = 0; c < 256; ++c)
        text.push_back(static_cast<char>(c));
    CHECK(round_trip(StartContainer{text}).id == text);
}

TEST_CASE("DNS messages keep their bytes, and have the length of DNS at most") {
    std::string message = "name";
    message += '\0';
    message += "\xff\xc0";
    const auto question = round_trip(NameQuestion{7, true, message});
    CHECK(question.message == message);
    CHECK(question.tcp);
    CHECK(round_trip(NameAnswer{"c", 7, message}).message == message);
    CHECK(decode(encode(NameQuestion{1, false, std::string(65535, 'x')})));
    CHECK_FALSE(decode(encode(NameQuestion{1, false, std::string(65536, 'x')})));
    CHECK_FALSE(decode(encode(NameAnswer{"c", 1, std::string(65536, 'x')})));
}
