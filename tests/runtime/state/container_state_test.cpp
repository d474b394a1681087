#include "runtime/state/container_state.h"

#include <doctest/doctest.h>
#include <unistd.h>

using namespace nacre::runtime;

namespace {

ContainerState example() {
    ContainerState state;
    state.id = "x1";
    state.oci_version = "1.2.0";
    state.bundle = "/b";
    state.rootfs = "/b/rootfs";
    state.created = "2026-11-23T21:41:07.000000001Z";
    state.annotations = {{"a\"b", "c\nd"}};
    state.status = Status::running;
    state.creator = {5, 50};
    state.relay = identify_process(::getpid()).value();
    state.vmm = {7, 70};
    state.vm_directory = "/run/nacre/x1";
    state.sandbox_id = "pod";
    state.cgroup_paths = {"/sys/fs/cgroup/a"};
    state.interfaces = {"eth0", "net1"};
    return state;
}

std::string refusal_of(std::string_view text) {
    const auto state = decode_state(text);
    return state ? "accepted" : state.error().message;
}

}  // namespace

TEST_CASE("a file that is cut off, empty, foreign or of another format is refused") {
    const auto text = encode_state(example());
    CHECK(refusal_of("").starts_with("state.json:1:1: not valid JSON"));
    CHECK(refusal_of(text.substr(0, text.size() / 2)).find("not valid JSON") != std::string::npos);
    CHECK(refusal_of("[]") == "state.json: must be an object, not an array");
    CHECK(refusal_of("{}") == "state.json: \"format\" is missing");
    CHECK(refusal_of(R"({"format":99})").find("/format") == std::string::npos);
    CHECK(refusal_of(R"({"format":99})").starts_with("state.json: format 99 is not 1"));
    CHECK(refusal_of(R"({"format":1,"id":7})") == "state.json: /id: must be a string, not a number");
}

TEST_CASE("an unknown status is refused") {
    auto text = encode_state(example());
    text.replace(text.find("running"), 7, "dancing");
    CHECK(refusal_of(text) == "state.json: /status: unknown status");
}

TEST_CASE("what is written reads back the same") {
    auto state = example();
    state.exit = ContainerExit{137, true, "killed", "2026-11-23T21:41:08.000000000Z"};
    const auto copy = decode_state(encode_state(state));
    REQUIRE(copy);
    CHECK(encode_state(*copy) == encode_state(state));
    CHECK(copy->annotations == state.annotations);
    CHECK(copy->relay == state.relay);
    CHECK(copy->interfaces == state.interfaces);
    CHECK(copy->exit->out_of_memory);
    CHECK(copy->exit->status == 137);
}

TEST_CASE("the status is what the kernel says of the processes, not what the file says") {
    auto state = example();
    CHECK(current_status(state) == Status::running);
    state.relay.start_time += 1;
    CHECK(current_status(state) == Status::stopped);
}

TEST_CASE("a paused container is paused, created or running, until it has stopped") {
    auto state = example();
    state.paused = true;
    CHECK(current_status(state) == Status::paused);
    CHECK(decode_state(encode_state(state))->paused);
    CHECK(decode_state(encode_state(state))->status == Status::running);
    state.exit = ContainerExit{};
    CHECK(current_status(state) == Status::stopped);
}

TEST_CASE("a recorded exit means stopped even while the relay is still going away") {
    auto state = example();
    state.exit = ContainerExit{};
    CHECK(current_status(state) == Status::stopped);
}

TEST_CASE("a container whose creation died half-way is stopped") {
    auto state = example();
    state.status = Status::creating;
    CHECK(current_status(state) == Status::stopped);
    state.creator = identify_process(::getpid()).value();
    CHECK(current_status(state) == Status::creating);
}

TEST_CASE("callers see the relay's pid, and none when the container is stopped") {
    const auto state = example();
    CHECK(visible_pid(state, Status::running) == ::getpid());
    CHECK(visible_pid(state, Status::stopped) == 0);
}

TEST_CASE("the OCI state is in runc's form") {
    auto state = example();
    CHECK(oci_state_json(state, Status::stopped, false) ==
          R"({"ociVersion":"1.2.0","id":"x1","pid":0,"status":"stopped","bundle":"/b","rootfs":"/b/rootfs",)"
          R"("created":"2026-11-23T21:41:07.000000001Z","annotations":{"a\"b":"c\nd"},"owner":""})");
    state.annotations.clear();
    CHECK(oci_state_json(state, Status::stopped, true) == R"({
  "ociVersion": "1.2.0",
  "id": "x1",
  "pid": 0,
  "status": "stopped",
  "bundle": "/b",
  "rootfs": "/b/rootfs",
  "created": "2026-11-23T21:41:07.000000001Z",
  "owner": ""
})");
}
