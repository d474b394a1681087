#include "runtime/oci/validation.h"

#include <doctest/doctest.h>

#include <filesystem>
#include <string>

#include "runtime/oci/parser.h"
#include "vmm/base/file.h"

using namespace nacre;
using namespace nacre::oci;

namespace {

/// A configuration that is valid, to be spoilt.
Spec valid_spec() {
    return parse_config(R"({"ociVersion":"1.2.0","process":{"args":["sh"],"cwd":"/"},"root":{"path":"rootfs"},
        "linux":{"namespaces":[{"type":"pid"},{"type":"mount"}]}})")
        .value();
}

std::string refusal_of(const Spec& spec) {
    const auto result = validate(spec);
    return result ? "accepted" : result.error().message;
}

}  // namespace

TEST_CASE("the smallest configuration is accepted") {
    CHECK(refusal_of(valid_spec()) == "accepted");
}

TEST_CASE("versions other than 1.x are refused") {
    auto spec = valid_spec();
    for (const auto* version : {"", "0.9.0", "2.0.0", "one", "1", "1.x.0"}) {
        spec.version = version;
        CHECK(refusal_of(spec).starts_with("/ociVersion: "));
    }
    for (const auto* version : {"1.0.0", "1.0.2-dev", "1.2.1", "1.3.0"}) {
        spec.version = version;
        CHECK(refusal_of(spec) == "accepted");
    }
}

TEST_CASE("a process needs arguments and an absolute working directory") {
    auto spec = valid_spec();
    spec.process->cwd = "tmp";
    CHECK(refusal_of(spec) == "/process/cwd: \"tmp\" must be an absolute path");
    spec.process->args.clear();
    CHECK(refusal_of(spec) == "/process/args: must not be empty");
    spec.process.reset();
    CHECK(refusal_of(spec).starts_with("/process: is missing"));
}

TEST_CASE("variables of the environment have a name and a value") {
    auto spec = valid_spec();
    spec.process->env = {"A=", "B"};
    CHECK(refusal_of(spec) == "/process/env/1: \"B\" is not of the form NAME=value");
    spec.process->env = {"=x"};
    CHECK(refusal_of(spec).starts_with("/process/env/0: "));
}

TEST_CASE("rlimits are known, given once, and soft is not above hard") {
    auto spec = valid_spec();
    spec.process->rlimits = {{"RLIMIT_MOON", 1, 1}};
    CHECK(refusal_of(spec) == "/process/rlimits/0/type: unknown rlimit \"RLIMIT_MOON\"");
    spec.process->rlimits = {{"RLIMIT_CORE", 1, 1}, {"RLIMIT_CORE", 1, 1}};
    CHECK(refusal_of(spec) == "/process/rlimits/1/type: RLIMIT_CORE is given twice");
    spec.process->rlimits = {{"RLIMIT_CORE", 1, 2}};
    CHECK(refusal_of(spec).starts_with("/process/rlimits/0: the soft limit"));
}

TEST_CASE("scores, schedulers and I/O priorities are within their range") {
    auto spec = valid_spec();
    spec.process->oom_score_adj = -1001;
    CHECK(refusal_of(spec).starts_with("/process/oomScoreAdj: "));
    spec = valid_spec();
    spec.process->scheduler.emplace().policy = "SCHED_MOON";
    CHECK(refusal_of(spec).starts_with("/process/scheduler/policy: "));
    spec = valid_spec();
    spec.process->io_priority = IoPriority{"IOPRIO_CLASS_BE", 8};
    CHECK(refusal_of(spec).starts_with("/process/ioPriority/priority: "));
}

TEST_CASE("a root file system is named") {
    auto spec = valid_spec();
    spec.root->path.clear();
    CHECK(refusal_of(spec) == "/root/path: must not be empty");
    spec.root.reset();
    CHECK(refusal_of(spec).starts_with("/root: is missing"));
}

TEST_CASE("a mount has a destination, a bind mount a source") {
    auto spec = valid_spec();
    spec.mounts = {{"relative", "tmpfs", "tmpfs", {}, {}, {}}};
    CHECK(refusal_of(spec) == "accepted");
    spec.mounts[0].destination = "";
    CHECK(refusal_of(spec) == "/mounts/0/destination: must not be empty");
    spec.mounts = {{"/a", "", "", {"rbind"}, {}, {}}};
    CHECK(refusal_of(spec).starts_with("/mounts/0/source: is missing"));
    spec.mounts = {{"/a", "bind", "/b", {}, {{0, 0, 1}}, {}}};
    CHECK(refusal_of(spec).starts_with("/mounts/0: uidMappings and gidMappings"));
}

TEST_CASE("a hook has an absolute path and a positive time-out") {
    auto spec = valid_spec();
    spec.hooks.poststop = {{"/ok", {}, {}, {}}, {"sh", {}, {}, {}}};
    CHECK(refusal_of(spec) == "/hooks/poststop/1/path: \"sh\" must be an absolute path");
    spec.hooks.start_container = {{"sh", {}, {}, {}}};
    CHECK(refusal_of(spec).starts_with("/hooks/startContainer/0/path: "));
    spec.hooks.start_container.clear();
    spec.hooks.poststop = {{"/ok", {}, {}, 0}};
    CHECK(refusal_of(spec) == "/hooks/poststop/0/timeout: must be greater than zero");
}

TEST_CASE("a namespace is given once, and joined by an absolute path") {
    auto spec = valid_spec();
    spec.linux.namespaces.push_back({NamespaceType::pid, ""});
    CHECK(refusal_of(spec) == "/linux/namespaces/2: duplicated namespace \"pid\"");
    spec.linux.namespaces.back() = {NamespaceType::network, "netns/x"};
    CHECK(refusal_of(spec).starts_with("/linux/namespaces/2/path: "));
}

TEST_CASE("names of the host need a UTS namespace") {
    auto spec = valid_spec();
    spec.hostname = "h";
    CHECK(refusal_of(spec) == "/hostname: unable to set hostname without a private UTS namespace");
    spec.linux.namespaces.push_back({NamespaceType::uts, ""});
    spec.domainname = "d";
    CHECK(refusal_of(spec) == "accepted");
}

TEST_CASE("a user namespace has mappings that the kernel takes; one to join is the VM's") {
    auto spec = valid_spec();
    spec.linux.uid_mappings = {{0, 1000, 10}};
    CHECK(refusal_of(spec) == "/linux: id mappings are given, but no user namespace");
    spec.linux.namespaces.push_back({NamespaceType::user, ""});
    CHECK(refusal_of(spec).starts_with("/linux: a new user namespace needs"));
    spec.linux.gid_mappings = {{0, 1000, 10}};
    CHECK(refusal_of(spec) == "accepted");
    spec.linux.gid_mappings = {{0, 1000, 10}, {9, 5000, 10}};
    CHECK(refusal_of(spec) == "/linux/gidMappings/1: overlaps with mapping 0");
    spec.linux.gid_mappings = {{0, 1000, 10}, {10, 1009, 1}};
    CHECK(refusal_of(spec) == "/linux/gidMappings/1: overlaps with mapping 0");
    spec.linux.gid_mappings = {{0, 1000, 0}};
    CHECK(refusal_of(spec) == "/linux/gidMappings/0/size: must not be 0");
    spec.linux.gid_mappings = {{0, 4294967295, 1}};
    CHECK(refusal_of(spec) == "/linux/gidMappings/0: goes beyond the last id");
    spec.linux.uid_mappings.clear();
    spec.linux.gid_mappings.clear();
    spec.linux.namespaces.back().path = "/proc/1/ns/user";
    CHECK(refusal_of(spec) == "accepted");
    spec.mounts = {{"/a", "bind", "/b", {"ridmap"}, {}, {}}};
    CHECK(refusal_of(spec).starts_with("/mounts/0: idmap needs uidMappings and gidMappings"));
    spec.mounts[0].uid_mappings = spec.mounts[0].gid_mappings = {{0, 1000, 10}};
    CHECK(refusal_of(spec) == "accepted");
    spec.mounts[0].gid_mappings = {{0, 1000, 0}};
    CHECK(refusal_of(spec) == "/mounts/0/gidMappings/0/size: must not be 0");
    spec.mounts = {{"/a", "tmpfs", "/b", {"idmap"}, {}, {}}};
    CHECK(refusal_of(spec) == "/mounts/0: only a bind mount can have its ids mapped");
}

TEST_CASE("masked paths need a mount namespace") {
    auto spec = valid_spec();
    spec.linux.masked_paths = {"/proc/kcore"};
    CHECK(refusal_of(spec) == "accepted");
    spec.linux.namespaces.clear();
    CHECK(refusal_of(spec).starts_with("/linux: maskedPaths and readonlyPaths"));
}

TEST_CASE("sysctls belong to a namespace that the container has") {
    auto spec = valid_spec();
    spec.linux.sysctl = {{"vm.overcommit_memory", "1"}};
    CHECK(refusal_of(spec).find("is not in a separate kernel namespace") != std::string::npos);
    spec.linux.sysctl = {{"net/ipv4/ip_forward", "1"}};
    CHECK(refusal_of(spec).find("needs a private network namespace") != std::string::npos);
    spec.linux.namespaces.push_back({NamespaceType::network, ""});
    CHECK(refusal_of(spec) == "accepted");
}

TEST_CASE("time offsets need a time namespace") {
    auto spec = valid_spec();
    spec.linux.time_offsets = {{"boottime", {1, 0}}};
    CHECK(refusal_of(spec) == "/linux/timeOffsets: need a new time namespace");
    spec.linux.namespaces.push_back({NamespaceType::time, ""});
    CHECK(refusal_of(spec) == "accepted");
    spec.linux.time_offsets = {{"realtime", {1, 0}}};
    CHECK(refusal_of(spec) == "/linux/timeOffsets: unknown clock \"realtime\"");
}

TEST_CASE("seccomp uses known actions, operators and argument numbers") {
    auto spec = valid_spec();
    auto& seccomp = spec.linux.seccomp.emplace();
    seccomp.default_action = "SCMP_ACT_MOON";
    CHECK(refusal_of(spec) == "/linux/seccomp/defaultAction: unknown action \"SCMP_ACT_MOON\"");
    seccomp.default_action = "SCMP_ACT_ALLOW";
    seccomp.syscalls = {{{"read"}, "SCMP_ACT_ERRNO", {}, {{6, 0, 0, "SCMP_CMP_EQ"}}}};
    CHECK(refusal_of(spec).starts_with("/linux/seccomp/syscalls/0/args/0/index: "));
    seccomp.syscalls[0].args[0] = {5, 0, 0, "=="};
    CHECK(refusal_of(spec).starts_with("/linux/seccomp/syscalls/0/args/0/op: "));
    seccomp.syscalls[0].args.clear();
    CHECK(refusal_of(spec) == "accepted");
    seccomp.flags = std::vector<std::string>{"MOON"};
    CHECK(refusal_of(spec).starts_with("/linux/seccomp/flags/0: "));
}

TEST_CASE("a seccomp number belongs to an action that carries one") {
    auto spec = valid_spec();
    auto& seccomp = spec.linux.seccomp.emplace();
    seccomp.default_action = "SCMP_ACT_ALLOW";
    seccomp.default_errno_ret = 1;
    CHECK(refusal_of(spec) == "/linux/seccomp/defaultErrnoRet: SCMP_ACT_ALLOW takes no number");
    seccomp.default_errno_ret.reset();
    seccomp.syscalls = {{{"read"}, "SCMP_ACT_ERRNO", 65536, {}}};
    CHECK(refusal_of(spec).starts_with("/linux/seccomp/syscalls/0/errnoRet: "));
    seccomp.syscalls = {{{"read"}, "SCMP_ACT_TRACE", 65535, {}}};
    CHECK(refusal_of(spec) == "accepted");
}

TEST_CASE("network devices have names that the kernel takes, and a namespace to go to") {
    auto spec = valid_spec();
    spec.linux.namespaces.push_back({NamespaceType::network, ""});
    spec.linux.net_devices = {{"eth0", {}}, {"eth1", {"net.7"}}};
    CHECK(refusal_of(spec) == "accepted");
    for (const auto* name : {"", ".", "..", "a/b", "a b", "a:b", "a\tb", "sixteen-letters-"}) {
        CAPTURE(name);
        spec.linux.net_devices = {{name, {}}};
        CHECK(refusal_of(spec).starts_with("/linux/netDevices: invalid network device name "));
    }
    spec.linux.net_devices = {{"eth0", {"a/b"}}};
    CHECK(refusal_of(spec) == "/linux/netDevices/eth0/name: invalid network device name \"a/b\"");
    spec.linux.net_devices = {{"eth0", {}}};
    std::erase_if(spec.linux.namespaces, [](const auto& one) { return one.type == NamespaceType::network; });
    CHECK(refusal_of(spec).ends_with("without a private NET namespace"));
}

TEST_CASE("a seccomp listener is refused, whatever asks for it") {
    auto spec = valid_spec();
    auto& seccomp = spec.linux.seccomp.emplace();
    seccomp.default_action = "SCMP_ACT_NOTIFY";
    CHECK(refusal_of(spec).starts_with("/linux/seccomp/defaultAction: SCMP_ACT_NOTIFY is not supported"));
    seccomp.default_action = "SCMP_ACT_ALLOW";
    seccomp.syscalls = {{{"mount"}, "SCMP_ACT_NOTIFY", {}, {}}};
    CHECK(refusal_of(spec).starts_with("/linux/seccomp/syscalls/0/action: "));
    seccomp.syscalls.clear();
    seccomp.listener_path = "/run/listener";
    CHECK(refusal_of(spec).starts_with("/linux/seccomp/listenerPath: "));
    seccomp.listener_path.clear();
    seccomp.flags = std::vector<std::string>{"SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV"};
    CHECK(refusal_of(spec).starts_with("/linux/seccomp/flags/0: "));
}

TEST_CASE("limits that nothing could enforce are refused") {
    const auto refusal = [](auto set) {
        auto spec = valid_spec();
        set(spec.linux.resources.emplace());
        return refusal_of(spec);
    };
    const auto cpu = [&](auto set) { return refusal([&](Resources& all) { set(all.cpu.emplace()); }); };
    const auto memory = [&](auto set) { return refusal([&](Resources& all) { set(all.memory.emplace()); }); };
    const std::string place = "/linux/resources/";
    CHECK(cpu([](CpuResources& c) { c.realtime_runtime = 1; }).starts_with(place + "cpu/realtimeRuntime: "));
    CHECK(cpu([](CpuResources& c) { c.realtime_period = 1; }).starts_with(place + "cpu/realtimeRuntime: "));
    CHECK(cpu([](CpuResources& c) { c.realtime_runtime = 0; }) == "accepted");
    CHECK(memory([](MemoryResources& m) { m.kernel = 1; }).starts_with(place + "memory/kernel: "));
    CHECK(memory([](MemoryResources& m) { m.kernel_tcp = 1; }).starts_with(place + "memory/kernel: "));
    CHECK(memory([](MemoryResources& m) { m.kernel = -1; }) == "accepted");
    CHECK(memory([](MemoryResources& m) { m.swappiness = 60; }).starts_with(place + "memory/swappiness: "));
    CHECK(memory([](MemoryResources& m) {
              m.disable_oom_killer = true;
          }).starts_with(place + "memory/disable"));
    CHECK(memory([](MemoryResources& m) { m.disable_oom_killer = false; }) == "accepted");
    CHECK(
        refusal([](Resources& all) { all.network.emplace().class_id = 1; }).starts_with(place + "network: "));
    CHECK(refusal([](Resources& all) { all.rdma["mlx5_0"] = {1, 1}; }).starts_with(place + "rdma: "));
    CHECK(refusal([](Resources& all) {
              all.block_io.emplace().leaf_weight = 10;
          }).starts_with(place + "blockIO/leafWeight: "));
}

TEST_CASE("CPU lists for exec are lists") {
    auto spec = valid_spec();
    spec.process->exec_cpu_affinity = ExecCpuAffinity{"0-1", "1-x"};
    CHECK(refusal_of(spec).starts_with("/process/execCPUAffinity: \"1-x\""));
    spec.process->exec_cpu_affinity = ExecCpuAffinity{"", "0"};
    CHECK(refusal_of(spec) == "accepted");
}

TEST_CASE("device rules, cgroup files and page sizes are well formed") {
    auto spec = valid_spec();
    auto& resources = spec.linux.resources.emplace();
    resources.devices = {{true, "x", {}, {}, ""}};
    CHECK(refusal_of(spec).starts_with("/linux/resources/devices/0/type: "));
    resources.devices = {{true, "c", {}, {}, "rx"}};
    CHECK(refusal_of(spec).starts_with("/linux/resources/devices/0/access: "));
    resources.devices = {{true, "c", {}, {}, "rwa"}};
    CHECK(refusal_of(spec) == "accepted");
    resources.devices.clear();
    resources.unified = {{"../../memory.max", "0"}};
    CHECK(refusal_of(spec).starts_with("/linux/resources/unified: "));
    resources.unified = {{"memory.max", "0"}};
    resources.hugepage_limits = {{"0MB", 1}};
    CHECK(refusal_of(spec).starts_with("/linux/resources/hugepageLimits/0/pageSize: "));
    resources.hugepage_limits = {{"2MB", 1}};
    CHECK(refusal_of(spec) == "accepted");
}

TEST_CASE("a configuration cannot choose what runs on the host") {
    auto spec = valid_spec();
    spec.vm.emplace().hypervisor = VmProgram{"/bin/sh", {}};
    CHECK(refusal_of(spec).starts_with("/vm/hypervisor: is not supported"));
    spec.vm.emplace().kernel = VmKernel{"/k", {}, ""};
    CHECK(refusal_of(spec).starts_with("/vm/kernel: is not supported"));
    spec.vm.emplace().hw_config = VmHardware{1, {}};
    CHECK(refusal_of(spec) == "accepted");
}

TEST_CASE("what containerd, CRI-O and podman send is valid") {
    for (const auto& entry : std::filesystem::directory_iterator(FIXTURES)) {
        const auto name = entry.path().filename().string();
        CAPTURE(name);
        const auto text = read_file(entry.path(), 1024 * 1024).value();
        const auto result = name.find("exec") == std::string::npos ? validate(parse_config(text).value())
                                                                   : validate(parse_process(text).value());
        CHECK_MESSAGE(result, (result ? "" : result.error().message));
    }
}
