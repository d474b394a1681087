#include "runtime/oci/parser.h"

#include <doctest/doctest.h>

#include <filesystem>

#include "runtime/oci/json_reader.h"
#include "vmm/base/file.h"

using namespace nacre;
using namespace nacre::oci;

namespace {

std::string fixture(const std::string& name) {
    return read_file(std::string(FIXTURES) + "/" + name, 1024 * 1024).value();
}

std::string refusal_of(std::string_view text) {
    const auto spec = parse_config(text);
    return spec ? "accepted" : spec.error().message;
}

/// A configuration with one member more than the smallest one has.
std::string with(const std::string& member) {
    return R"({"ociVersion":"1.2.0",)" + member + "}";
}

}  // namespace

TEST_CASE("text that is not JSON is refused with its line and column") {
    CHECK(refusal_of("").starts_with("config.json:1:1: not valid JSON: "));
    CHECK(refusal_of("{\n  \"ociVersion\": oops\n}").starts_with("config.json:2:17: not valid JSON: "));
    CHECK(refusal_of("{} trailing").starts_with("config.json:1:4: not valid JSON: "));
    CHECK(refusal_of("{\"ociVersion\": \"\xff\"}").find("not valid JSON") != std::string::npos);
}

TEST_CASE("nesting is followed so far as the stack surely bears it") {
    const auto nested = [](std::size_t levels) { return std::string(levels, '[') + std::string(levels, ']'); };
    CHECK(refusal_of(with("\"unknown\":" + nested(max_json_depth - 1))) == "accepted");
    CHECK(refusal_of(with("\"unknown\":" + nested(max_json_depth))).find(": nested deeper than 1000 levels") !=
          std::string::npos);
    CHECK(refusal_of(std::string(1'000'000, '[')) == "config.json:1:1001: nested deeper than 1000 levels");
    CHECK(refusal_of(with(R"("unknown":")" + std::string(2000, '[') + R"(\"[")")) == "accepted");
}

TEST_CASE("a missing member is named together with its object") {
    CHECK(refusal_of("{}") == "config.json: \"ociVersion\" is missing");
    CHECK(refusal_of(with(R"("process":{"args":["a"]})")) == "config.json: /process: \"cwd\" is missing");
    CHECK(refusal_of(with(R"("mounts":[{"destination":"/a"},{"type":"proc"}])")) ==
          "config.json: /mounts/1: \"destination\" is missing");
}

TEST_CASE("a wrong type is refused with its JSON pointer") {
    CHECK(refusal_of("[]") == "config.json: must be an object, not an array");
    CHECK(refusal_of(R"({"ociVersion":1})") == "config.json: /ociVersion: must be a string, not a number");
    CHECK(refusal_of(with(R"("process":{"cwd":"/","args":["a",3]})")) ==
          "config.json: /process/args/1: must be a string, not a number");
    CHECK(refusal_of(with(R"("process":{"cwd":"/","terminal":"yes"})")) ==
          "config.json: /process/terminal: must be true or false, not a string");
    CHECK(refusal_of(with(R"("annotations":{"a/b~c":{}})")) ==
          "config.json: /annotations/a~1b~0c: must be a string, not an object");
    CHECK(refusal_of(with(R"("linux":{"sysctl":[]})")) ==
          "config.json: /linux/sysctl: must be an object, not an array");
}

TEST_CASE("only the first of several mistakes is reported, on one line") {
    const auto message = refusal_of(with("\"annotations\":{\"a\\nb\":1},\"hostname\":2"));
    CHECK(message.find("/hostname") != std::string::npos);
    CHECK(message.find('\n') == std::string::npos);
    CHECK(refusal_of(with("\"annotations\":{\"a\\nb\":1}")).find('\n') == std::string::npos);
}

TEST_CASE("numbers outside their range, fractions and exponents are refused") {
    const auto user = [](const std::string& uid) {
        return refusal_of(with(R"("process":{"cwd":"/","user":{"uid":)" + uid + "}}"));
    };
    CHECK(user("4294967295") == "accepted");
    CHECK(user("4294967296") ==
          "config.json: /process/user/uid: must be a whole number from 0 to 4294967295");
    CHECK(user("-1").find("/process/user/uid: must be a whole number") != std::string::npos);
    CHECK(user("1.5").find("/process/user/uid: must be a whole number") != std::string::npos);
    CHECK(user("\"0\"").find("/process/user/uid: must be a number, not a string") != std::string::npos);
    CHECK(refusal_of(with(R"("linux":{"resources":{"memory":{"limit":9223372036854775808}}})"))
              .find("/linux/resources/memory/limit") != std::string::npos);
}

TEST_CASE("a zero byte in a string is refused: system calls would cut the string there") {
    CHECK(refusal_of(with(R"("root":{"path":"/a\u0000/../b"})")) ==
          "config.json: /root/path: must not contain a zero byte");
}

TEST_CASE("unknown members of the closed lists are refused") {
    CHECK(refusal_of(with(R"("linux":{"namespaces":[{"type":"pid"},{"type":"moon"}]})")) ==
          "config.json: /linux/namespaces/1/type: unknown namespace type \"moon\"");
    CHECK(refusal_of(with(R"("linux":{"devices":[{"path":"/dev/x","type":"cc"}]})")) ==
          "config.json: /linux/devices/0: unknown device type \"cc\": must be c, u, b or p");
}

TEST_CASE("null counts as absent and unknown members are ignored") {
    CHECK(refusal_of(with(R"("process":null,"linux":{"seccomp":null},"future":{"x":[1]})")) == "accepted");
    CHECK(refusal_of(R"({"ociVersion":null})") == "config.json: \"ociVersion\" is missing");
}

TEST_CASE("every field of the process reaches its struct") {
    const auto process = parse_process(R"({
        "terminal": true, "consoleSize": {"height": 24, "width": 80},
        "user": {"uid": 1, "gid": 2, "umask": 18, "additionalGids": [3, 4]},
        "args": ["sh", "-c"], "env": ["A=b"], "cwd": "/tmp",
        "capabilities": {"bounding": ["CAP_KILL"], "effective": ["CAP_KILL"], "inheritable": [],
                         "permitted": ["CAP_KILL"], "ambient": ["CAP_CHOWN"]},
        "rlimits": [{"type": "RLIMIT_NOFILE", "hard": 18446744073709551615, "soft": 1}],
        "noNewPrivileges": true, "apparmorProfile": "p", "oomScoreAdj": -100, "selinuxLabel": "l",
        "scheduler": {"policy": "SCHED_FIFO", "priority": 3, "nice": -2, "flags": ["F"], "runtime": 1,
                      "deadline": 2, "period": 3},
        "ioPriority": {"class": "IOPRIO_CLASS_BE", "priority": 4},
        "execCPUAffinity": {"initial": "0-1", "final": "2"}})");
    REQUIRE(process);
    CHECK(process->terminal);
    CHECK(process->console_size->width == 80);
    CHECK(process->user.additional_gids == std::vector<std::uint32_t>{3, 4});
    CHECK(process->user.umask == 18);
    CHECK(process->args == std::vector<std::string>{"sh", "-c"});
    CHECK(process->capabilities->ambient.at(0) == "CAP_CHOWN");
    CHECK(process->rlimits.at(0).hard == 18446744073709551615U);
    CHECK(process->no_new_privileges);
    CHECK(process->oom_score_adj == -100);
    CHECK(process->scheduler->nice == -2);
    CHECK(process->scheduler->period == 3);
    CHECK(process->io_priority->io_class == "IOPRIO_CLASS_BE");
    CHECK(process->exec_cpu_affinity->final == "2");
}

TEST_CASE("every field of the linux section reaches its struct") {
    const auto spec = parse_config(with(R"("linux": {
        "uidMappings": [{"containerID": 0, "hostID": 1000, "size": 10}],
        "sysctl": {"net.core.somaxconn": "256"}, "cgroupsPath": "/a/b",
        "namespaces": [{"type": "pid"}, {"type": "network", "path": "/run/netns/x"}, {"type": "time"}],
        "devices": [{"path": "/dev/fuse", "type": "c", "major": 10, "minor": 229, "fileMode": 438, "uid": 0}],
        "netDevices": {"eth0": {"name": "net0"}},
        "seccomp": {"defaultAction": "SCMP_ACT_ERRNO", "defaultErrnoRet": 38, "flags": ["F"],
            "architectures": ["SCMP_ARCH_X86_64"], "syscalls": [{"names": ["read"], "action": "SCMP_ACT_ALLOW",
            "errnoRet": 1, "args": [{"index": 1, "value": 18446744073709551615, "valueTwo": 2, "op": "SCMP_CMP_EQ"}]}]},
        "rootfsPropagation": "slave", "maskedPaths": ["/m"], "readonlyPaths": ["/r"], "mountLabel": "ml",
        "intelRdt": {"closID": "c", "schemata": ["L3:0=f"], "enableCMT": true},
        "memoryPolicy": {"mode": "MPOL_BIND", "nodes": "0"},
        "personality": {"domain": "LINUX32"}, "timeOffsets": {"boottime": {"secs": -5, "nanosecs": 7}},
        "resources": {
            "devices": [{"allow": true, "type": "c", "major": 10, "access": "rw"}],
            "memory": {"limit": 1000, "swap": -1, "reservation": 5, "swappiness": 3, "disableOOMKiller": true,
                       "checkBeforeUpdate": true},
            "cpu": {"shares": 2, "quota": -1, "period": 100000, "burst": 9, "cpus": "0-1", "mems": "0", "idle": 1},
            "pids": {"limit": -1},
            "blockIO": {"weight": 10, "weightDevice": [{"major": 8, "minor": 0, "weight": 500}],
                        "throttleReadBpsDevice": [{"major": 8, "minor": 0, "rate": 600}]},
            "hugepageLimits": [{"pageSize": "2MB", "limit": 4}],
            "network": {"classID": 7, "priorities": [{"name": "eth0", "priority": 1}]},
            "rdma": {"mlx5_1": {"hcaHandles": 3}}, "unified": {"memory.high": "5"}}})"));
    REQUIRE_MESSAGE(spec, (spec ? "" : spec.error().message));
    const auto& linux = spec->linux;
    CHECK(linux.uid_mappings.at(0).host_id == 1000);
    CHECK(linux.sysctl.at("net.core.somaxconn") == "256");
    REQUIRE(linux.find_namespace(NamespaceType::network) != nullptr);
    CHECK(linux.find_namespace(NamespaceType::network)->path == "/run/netns/x");
    CHECK(linux.find_namespace(NamespaceType::user) == nullptr);
    CHECK(linux.devices.at(0).file_mode == 438);
    CHECK_FALSE(linux.devices.at(0).gid.has_value());
    CHECK(linux.net_devices.at("eth0").name == "net0");
    CHECK(linux.seccomp->syscalls.at(0).args.at(0).value == 18446744073709551615U);
    CHECK(linux.seccomp->default_errno_ret == 38);
    CHECK(linux.intel_rdt->enable_cmt);
    CHECK(linux.memory_policy->mode == "MPOL_BIND");
    CHECK(linux.time_offsets.at("boottime").secs == -5);
    const auto& resources = *linux.resources;
    CHECK_FALSE(resources.devices.at(0).minor.has_value());
    CHECK(resources.memory->swap == -1);
    CHECK(resources.cpu->quota == -1);
    CHECK(resources.cpu->burst == 9);
    CHECK(resources.pids_limit == -1);
    CHECK(resources.block_io->throttle_read_bps_device.at(0).rate == 600);
    CHECK(resources.hugepage_limits.at(0).page_size == "2MB");
    CHECK(resources.network->class_id == 7);
    CHECK(resources.rdma.at("mlx5_1").hca_handles == 3);
    CHECK(resources.unified.at("memory.high") == "5");
}

TEST_CASE("hooks, mounts and the vm object reach their structs") {
    const auto spec = parse_config(with(R"("root": {"path": "rootfs", "readonly": true}, "hostname": "h",
        "domainname": "d", "mounts": [{"destination": "/a", "type": "bind", "source": "/b", "options": ["ro"],
        "gidMappings": [{"containerID": 1, "hostID": 2, "size": 3}]}],
        "hooks": {"prestart": [{"path": "/1"}], "createRuntime": [{"path": "/2"}],
        "createContainer": [{"path": "/3"}], "startContainer": [{"path": "/4"}], "poststart": [{"path": "/5"}],
        "poststop": [{"path": "/6", "args": ["a"], "env": ["B=c"], "timeout": 9}]},
        "vm": {"kernel": {"path": "/k", "parameters": ["p"], "initrd": "/i"},
        "hwConfig": {"vcpus": 2, "memory": 268435456}})"));
    REQUIRE_MESSAGE(spec, (spec ? "" : spec.error().message));
    CHECK(spec->root->readonly);
    CHECK(spec->domainname == "d");
    CHECK(spec->mounts.at(0).gid_mappings.at(0).size == 3);
    CHECK(spec->hooks.prestart.at(0).path == "/1");
    CHECK(spec->hooks.create_runtime.at(0).path == "/2");
    CHECK(spec->hooks.create_container.at(0).path == "/3");
    CHECK(spec->hooks.start_container.at(0).path == "/4");
    CHECK(spec->hooks.poststart.at(0).path == "/5");
    CHECK(spec->hooks.poststop.at(0).timeout == 9);
    CHECK(spec->vm->kernel->initrd == "/i");
    CHECK(spec->vm->hw_config->vcpus == 2);
}

TEST_CASE("the resources of an update stand alone") {
    const auto resources = parse_resources(R"({"memory":{"limit":-1},"unknown":{}})");
    REQUIRE(resources);
    CHECK(resources->memory->limit == -1);
    CHECK(parse_resources("3").error().message == "resources: must be an object, not a number");
}

TEST_CASE("what containerd, CRI-O and podman send is accepted") {
    int configs = 0;
    for (const auto& entry : std::filesystem::directory_iterator(FIXTURES)) {
        const auto name = entry.path().filename().string();
        CAPTURE(name);
        if (name.find("exec") == std::string::npos) {
            const auto spec = parse_config(fixture(name));
            CHECK_MESSAGE(spec, (spec ? "" : spec.error().message));
            ++configs;
        } else {
            const auto process = parse_process(fixture(name));
            CHECK_MESSAGE(process, (process ? "" : process.error().message));
        }
    }
    CHECK(configs >= 7);
}
