#include "runtime/oci/parser.h"

#include <algorithm>
#include <array>
#include <utility>

#include "runtime/oci/json_reader.h"

namespace nacre::oci {

namespace {

constexpr std::array<std::pair<std::string_view, NamespaceType>, 8> namespace_names{{
    {"pid", NamespaceType::pid},
    {"network", NamespaceType::network},
    {"mount", NamespaceType::mount},
    {"ipc", NamespaceType::ipc},
    {"uts", NamespaceType::uts},
    {"user", NamespaceType::user},
    {"cgroup", NamespaceType::cgroup},
    {"time", NamespaceType::time},
}};

}  // namespace

// One function a struct, each a list of its members. They are found by argument-dependent lookup from the
// templates of json_reader.h, which is why they are not in an unnamed namespace.

static void read_value(const JsonNode& node, NamespaceType& type) {
    std::string name;
    read_value(node, name);
    if (const auto found = namespace_type(name))
        type = *found;
    else
        node.refuse(fmt::format("unknown namespace type \"{}\"", name));
}

static void read_value(const JsonNode& node, IdMapping& mapping) {
    if (!node.expect_object())
        return;
    node.required("containerID", mapping.container_id);
    node.required("hostID", mapping.host_id);
    node.required("size", mapping.size);
}

static void read_value(const JsonNode& node, ConsoleSize& size) {
    if (!node.expect_object())
        return;
    node.required("height", size.height);
    node.required("width", size.width);
}

static void read_value(const JsonNode& node, User& user) {
    if (!node.expect_object())
        return;
    node.optional("uid", user.uid);
    node.optional("gid", user.gid);
    node.optional("umask", user.umask);
    node.optional("additionalGids", user.additional_gids);
}

static void read_value(const JsonNode& node, Capabilities& capabilities) {
    if (!node.expect_object())
        return;
    node.optional("bounding", capabilities.bounding);
    node.optional("effective", capabilities.effective);
    node.optional("inheritable", capabilities.inheritable);
    node.optional("permitted", capabilities.permitted);
    node.optional("ambient", capabilities.ambient);
}

static void read_value(const JsonNode& node, Rlimit& rlimit) {
    if (!node.expect_object())
        return;
    node.required("type", rlimit.type);
    node.required("hard", rlimit.hard);
    node.required("soft", rlimit.soft);
}

static void read_value(const JsonNode& node, Scheduler& scheduler) {
    if (!node.expect_object())
        return;
    node.required("policy", scheduler.policy);
    node.optional("nice", scheduler.nice);
    node.optional("priority", scheduler.priority);
    node.optional("flags", scheduler.flags);
    node.optional("runtime", scheduler.runtime);
    node.optional("deadline", scheduler.deadline);
    node.optional("period", scheduler.period);
}

static void read_value(const JsonNode& node, IoPriority& priority) {
    if (!node.expect_object())
        return;
    node.required("class", priority.io_class);
    node.optional("priority", priority.priority);
}

static void read_value(const JsonNode& node, ExecCpuAffinity& affinity) {
    if (!node.expect_object())
        return;
    node.optional("initial", affinity.initial);
    node.optional("final", affinity.final);
}

static void read_value(const JsonNode& node, Process& process) {
    if (!node.expect_object())
        return;
    node.optional("terminal", process.terminal);
    node.optional("consoleSize", process.console_size);
    node.optional("user", process.user);
    node.optional("args", process.args);
    node.optional("env", process.env);
    node.required("cwd", process.cwd);
    node.optional("capabilities", process.capabilities);
    node.optional("rlimits", process.rlimits);
    node.optional("noNewPrivileges", process.no_new_privileges);
    node.optional("apparmorProfile", process.apparmor_profile);
    node.optional("oomScoreAdj", process.oom_score_adj);
    node.optional("scheduler", process.scheduler);
    node.optional("selinuxLabel", process.selinux_label);
    node.optional("ioPriority", process.io_priority);
    node.optional("execCPUAffinity", process.exec_cpu_affinity);
}

static void read_value(const JsonNode& node, Root& root) {
    if (!node.expect_object())
        return;
    node.required("path", root.path);
    node.optional("readonly", root.readonly);
}

static void read_value(const JsonNode& node, Mount& mount) {
    if (!node.expect_object())
        return;
    node.required("destination", mount.destination);
    node.optional("type", mount.type);
    node.optional("source", mount.source);
    node.optional("options", mount.options);
    node.optional("uidMappings", mount.uid_mappings);
    node.optional("gidMappings", mount.gid_mappings);
}

static void read_value(const JsonNode& node, Hook& hook) {
    if (!node.expect_object())
        return;
    node.required("path", hook.path);
    node.optional("args", hook.args);
    node.optional("env", hook.env);
    node.optional("timeout", hook.timeout);
}

static void read_value(const JsonNode& node, Hooks& hooks) {
    if (!node.expect_object())
        return;
    node.optional("prestart", hooks.prestart);
    node.optional("createRuntime", hooks.create_runtime);
    node.optional("createContainer", hooks.create_container);
    node.optional("startContainer", hooks.start_container);
    node.optional("poststart", hooks.poststart);
    node.optional("poststop", hooks.poststop);
}

static void read_value(const JsonNode& node, Namespace& ns) {
    if (!node.expect_object())
        return;
    node.required("type", ns.type);
    node.optional("path", ns.path);
}

/// One letter: c, u, b or p.
static void read_device_type(const JsonNode& node, char& type) {
    std::string name;
    node.required("type", name);
    if (node.failed())
        return;
    if (name.size() != 1 || std::string_view("cubp").find(name[0]) == std::string_view::npos)
        return node.refuse(fmt::format("unknown device type \"{}\": must be c, u, b or p", name));
    type = name[0];
}

static void read_value(const JsonNode& node, Device& device) {
    if (!node.expect_object())
        return;
    node.required("path", device.path);
    read_device_type(node, device.type);
    node.optional("major", device.major);
    node.optional("minor", device.minor);
    node.optional("fileMode", device.file_mode);
    node.optional("uid", device.uid);
    node.optional("gid", device.gid);
}

static void read_value(const JsonNode& node, DeviceRule& rule) {
    if (!node.expect_object())
        return;
    node.required("allow", rule.allow);
    node.optional("type", rule.type);
    node.optional("major", rule.major);
    node.optional("minor", rule.minor);
    node.optional("access", rule.access);
}

static void read_value(const JsonNode& node, MemoryResources& memory) {
    if (!node.expect_object())
        return;
    node.optional("limit", memory.limit);
    node.optional("reservation", memory.reservation);
    node.optional("swap", memory.swap);
    node.optional("kernel", memory.kernel);
    node.optional("kernelTCP", memory.kernel_tcp);
    node.optional("swappiness", memory.swappiness);
    node.optional("disableOOMKiller", memory.disable_oom_killer);
    node.optional("useHierarchy", memory.use_hierarchy);
    node.optional("checkBeforeUpdate", memory.check_before_update);
}

static void read_value(const JsonNode& node, CpuResources& cpu) {
    if (!node.expect_object())
        return;
    node.optional("shares", cpu.shares);
    node.optional("quota", cpu.quota);
    node.optional("burst", cpu.burst);
    node.optional("period", cpu.period);
    node.optional("realtimeRuntime", cpu.realtime_runtime);
    node.optional("realtimePeriod", cpu.realtime_period);
    node.optional("cpus", cpu.cpus);
    node.optional("mems", cpu.mems);
    node.optional("idle", cpu.idle);
}

static void read_value(const JsonNode& node, BlockWeight& device) {
    if (!node.expect_object())
        return;
    node.required("major", device.major);
    node.required("minor", device.minor);
    node.optional("weight", device.weight);
    node.optional("leafWeight", device.leaf_weight);
}

static void read_value(const JsonNode& node, BlockThrottle& device) {
    if (!node.expect_object())
        return;
    node.required("major", device.major);
    node.required("minor", device.minor);
    node.optional("rate", device.rate);
}

static void read_value(const JsonNode& node, BlockIoResources& block_io) {
    if (!node.expect_object())
        return;
    node.optional("weight", block_io.weight);
    node.optional("leafWeight", block_io.leaf_weight);
    node.optional("weightDevice", block_io.weight_device);
    node.optional("throttleReadBpsDevice", block_io.throttle_read_bps_device);
    node.optional("throttleWriteBpsDevice", block_io.throttle_write_bps_device);
    node.optional("throttleReadIOPSDevice", block_io.throttle_read_iops_device);
    node.optional("throttleWriteIOPSDevice", block_io.throttle_write_iops_device);
}

static void read_value(const JsonNode& node, HugepageLimit& limit) {
    if (!node.expect_object())
        return;
    node.required("pageSize", limit.page_size);
    node.required("limit", limit.limit);
}

static void read_value(const JsonNode& node, InterfacePriority& priority) {
    if (!node.expect_object())
        return;
    node.required("name", priority.name);
    node.required("priority", priority.priority);
}

static void read_value(const JsonNode& node, NetworkResources& network) {
    if (!node.expect_object())
        return;
    node.optional("classID", network.class_id);
    node.optional("priorities", network.priorities);
}

static void read_value(const JsonNode& node, RdmaResources& rdma) {
    if (!node.expect_object())
        return;
    node.optional("hcaHandles", rdma.hca_handles);
    node.optional("hcaObjects", rdma.hca_objects);
}

namespace {

/// linux.resources.pids, an object with one member.
struct PidsResources {
    std::optional<std::int64_t> limit;
};

void read_value(const JsonNode& node, PidsResources& pids) {
    if (node.expect_object())
        node.optional("limit", pids.limit);
}

}  // namespace

static void read_value(const JsonNode& node, Resources& resources) {
    if (!node.expect_object())
        return;
    PidsResources pids;
    node.optional("devices", resources.devices);
    node.optional("memory", resources.memory);
    node.optional("cpu", resources.cpu);
    node.optional("pids", pids);
    node.optional("blockIO", resources.block_io);
    node.optional("hugepageLimits", resources.hugepage_limits);
    node.optional("network", resources.network);
    node.optional("rdma", resources.rdma);
    node.optional("unified", resources.unified);
    resources.pids_limit = pids.limit;
}

static void read_value(const JsonNode& node, SeccompArgument& argument) {
    if (!node.expect_object())
        return;
    node.required("index", argument.index);
    node.required("value", argument.value);
    node.optional("valueTwo", argument.value_two);
    node.required("op", argument.op);
}

static void read_value(const JsonNode& node, SeccompRule& rule) {
    if (!node.expect_object())
        return;
    node.required("names", rule.names);
    node.required("action", rule.action);
    node.optional("errnoRet", rule.errno_ret);
    node.optional("args", rule.args);
}

static void read_value(const JsonNode& node, Seccomp& seccomp) {
    if (!node.expect_object())
        return;
    node.required("defaultAction", seccomp.default_action);
    node.optional("defaultErrnoRet", seccomp.default_errno_ret);
    node.optional("architectures", seccomp.architectures);
    node.optional("flags", seccomp.flags);
    node.optional("listenerPath", seccomp.listener_path);
    node.optional("listenerMetadata", seccomp.listener_metadata);
    node.optional("syscalls", seccomp.syscalls);
}

static void read_value(const JsonNode& node, IntelRdt& rdt) {
    if (!node.expect_object())
        return;
    node.optional("closID", rdt.clos_id);
    node.optional("schemata", rdt.schemata);
    node.optional("l3CacheSchema", rdt.l3_cache_schema);
    node.optional("memBwSchema", rdt.mem_bw_schema);
    node.optional("enableCMT", rdt.enable_cmt);
    node.optional("enableMBM", rdt.enable_mbm);
    node.optional("enableMonitoring", rdt.enable_monitoring);
}

static void read_value(const JsonNode& node, Personality& personality) {
    if (!node.expect_object())
        return;
    node.required("domain", personality.domain);
    node.optional("flags", personality.flags);
}

static void read_value(const JsonNode& node, TimeOffset& offset) {
    if (!node.expect_object())
        return;
    node.optional("secs", offset.secs);
    node.optional("nanosecs", offset.nanosecs);
}

static void read_value(const JsonNode& node, NetDevice& device) {
    if (node.expect_object())
        node.optional("name", device.name);
}

static void read_value(const JsonNode& node, MemoryPolicy& policy) {
    if (!node.expect_object())
        return;
    node.required("mode", policy.mode);
    node.optional("nodes", policy.nodes);
    node.optional("flags", policy.flags);
}

static void read_value(const JsonNode& node, Linux& linux) {
    if (!node.expect_object())
        return;
    node.optional("uidMappings", linux.uid_mappings);
    node.optional("gidMappings", linux.gid_mappings);
    node.optional("sysctl", linux.sysctl);
    node.optional("resources", linux.resources);
    node.optional("cgroupsPath", linux.cgroups_path);
    node.optional("namespaces", linux.namespaces);
    node.optional("devices", linux.devices);
    node.optional("netDevices", linux.net_devices);
    node.optional("seccomp", linux.seccomp);
    node.optional("rootfsPropagation", linux.rootfs_propagation);
    node.optional("maskedPaths", linux.masked_paths);
    node.optional("readonlyPaths", linux.readonly_paths);
    node.optional("mountLabel", linux.mount_label);
    node.optional("intelRdt", linux.intel_rdt);
    node.optional("memoryPolicy", linux.memory_policy);
    node.optional("personality", linux.personality);
    node.optional("timeOffsets", linux.time_offsets);
}

static void read_value(const JsonNode& node, VmProgram& program) {
    if (!node.expect_object())
        return;
    node.required("path", program.path);
    node.optional("parameters", program.parameters);
}

static void read_value(const JsonNode& node, VmKernel& kernel) {
    if (!node.expect_object())
        return;
    node.required("path", kernel.path);
    node.optional("parameters", kernel.parameters);
    node.optional("initrd", kernel.initrd);
}

static void read_value(const JsonNode& node, VmImage& image) {
    if (!node.expect_object())
        return;
    node.required("path", image.path);
    node.required("format", image.format);
}

static void read_value(const JsonNode& node, VmHardware& hardware) {
    if (!node.expect_object())
        return;
    node.optional("vcpus", hardware.vcpus);
    node.optional("memory", hardware.memory);
}

static void read_value(const JsonNode& node, Vm& vm) {
    if (!node.expect_object())
        return;
    node.optional("hypervisor", vm.hypervisor);
    node.optional("kernel", vm.kernel);
    node.optional("image", vm.image);
    node.optional("hwConfig", vm.hw_config);
}

static void read_value(const JsonNode& node, Spec& spec) {
    if (!node.expect_object())
        return;
    node.required("ociVersion", spec.version);
    node.optional("process", spec.process);
    node.optional("root", spec.root);
    node.optional("hostname", spec.hostname);
    node.optional("domainname", spec.domainname);
    node.optional("mounts", spec.mounts);
    node.optional("hooks", spec.hooks);
    node.optional("annotations", spec.annotations);
    node.optional("linux", spec.linux);
    node.optional("vm", spec.vm);
}

namespace {

template <class T>
Result<T> parse(std::string_view text, std::string_view file) {
    rapidjson::Document document;
    NACRE_TRY(parse_json(text, file, document));
    JsonNode::Refusal refusal;
    T value;
    read_value(JsonNode(document, refusal), value);
    if (!refusal.message.empty())
        return fail("{}: {}", file, refusal.message);
    return value;
}

}  // namespace

Result<Spec> parse_config(std::string_view text, std::string_view file) {
    return parse<Spec>(text, file);
}

Result<Process> parse_process(std::string_view text, std::string_view file) {
    return parse<Process>(text, file);
}

Result<Resources> parse_resources(std::string_view text, std::string_view file) {
    return parse<Resources>(text, file);
}

std::string_view name_of(NamespaceType type) {
    const auto* found = std::find_if(namespace_names.begin(), namespace_names.end(),
                                     [&](const auto& entry) { return entry.second == type; });
    return found == namespace_names.end() ? "unknown" : found->first;
}

std::optional<NamespaceType> namespace_type(std::string_view name) {
    const auto* found = std::find_if(namespace_names.begin(), namespace_names.end(),
                                     [&](const auto& entry) { return entry.first == name; });
    return found == namespace_names.end() ? std::nullopt : std::optional(found->second);
}

const Namespace* Linux::find_namespace(NamespaceType type) const {
    const auto found = std::find_if(namespaces.begin(), namespaces.end(),
                                    [&](const Namespace& candidate) { return candidate.type == type; });
    return found == namespaces.end() ? nullptr : &*found;
}

}  // namespace nacre::oci
