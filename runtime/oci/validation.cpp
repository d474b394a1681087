#include "runtime/oci/validation.h"

#include <algorithm>
#include <array>
#include <set>

#include "runtime/oci/cpu_list.h"
#include "runtime/oci/parser.h"

namespace nacre::oci {

namespace {

template <std::size_t Size>
using Names = std::array<std::string_view, Size>;

constexpr Names<16> rlimit_types{"RLIMIT_AS",     "RLIMIT_CORE",   "RLIMIT_CPU",        "RLIMIT_DATA",
                                 "RLIMIT_FSIZE",  "RLIMIT_LOCKS",  "RLIMIT_MEMLOCK",    "RLIMIT_MSGQUEUE",
                                 "RLIMIT_NICE",   "RLIMIT_NOFILE", "RLIMIT_NPROC",      "RLIMIT_RSS",
                                 "RLIMIT_RTPRIO", "RLIMIT_RTTIME", "RLIMIT_SIGPENDING", "RLIMIT_STACK"};

constexpr Names<7> scheduler_policies{"SCHED_OTHER", "SCHED_FIFO", "SCHED_RR",      "SCHED_BATCH",
                                      "SCHED_ISO",   "SCHED_IDLE", "SCHED_DEADLINE"};

constexpr Names<3> io_classes{"IOPRIO_CLASS_RT", "IOPRIO_CLASS_BE", "IOPRIO_CLASS_IDLE"};

constexpr Names<9> seccomp_actions{"SCMP_ACT_KILL",  "SCMP_ACT_KILL_PROCESS", "SCMP_ACT_KILL_THREAD",
                                   "SCMP_ACT_TRAP",  "SCMP_ACT_ERRNO",        "SCMP_ACT_TRACE",
                                   "SCMP_ACT_ALLOW", "SCMP_ACT_LOG",          "SCMP_ACT_NOTIFY"};

constexpr Names<7> seccomp_operators{"SCMP_CMP_NE", "SCMP_CMP_LT", "SCMP_CMP_LE",       "SCMP_CMP_EQ",
                                     "SCMP_CMP_GE", "SCMP_CMP_GT", "SCMP_CMP_MASKED_EQ"};

/// SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV belongs to a listener, which there is none of.
constexpr Names<3> seccomp_flags{"SECCOMP_FILTER_FLAG_TSYNC", "SECCOMP_FILTER_FLAG_LOG",
                                 "SECCOMP_FILTER_FLAG_SPEC_ALLOW"};

constexpr Names<8> propagations{"private", "rprivate", "slave",      "rslave",
                                "shared",  "rshared",  "unbindable", "runbindable"};

/// sysctls that belong to the IPC namespace (with all of fs.mqueue), namespaces(7).
constexpr Names<8> ipc_sysctls{"kernel.msgmax", "kernel.msgmnb", "kernel.msgmni", "kernel.sem",
                               "kernel.shmall", "kernel.shmmax", "kernel.shmmni", "kernel.shm_rmid_forced"};

template <std::size_t Size>
bool contains(const Names<Size>& names, std::string_view name) {
    return std::find(names.begin(), names.end(), name) != names.end();
}

bool absolute(const std::string& path) {
    return path.starts_with('/');
}

/// The version must be 1.x of semver 2.0.0 (config.md, "Specification version").
Result<void> check_version(const std::string& version) {
    const auto core = version.substr(0, version.find_first_of("-+"));
    const bool known = core.starts_with("1.") && core.find_first_not_of("0123456789.") == std::string::npos;
    if (!known)
        return fail("/ociVersion: \"{}\" is not supported: must be 1.x", version);
    return {};
}

// --- process ---

Result<void> check_environment(const Process& process, std::string_view place) {
    for (std::size_t i = 0; i < process.env.size(); ++i)
        if (process.env[i].find('=') == std::string::npos || process.env[i].starts_with('='))
            return fail("{}/env/{}: \"{}\" is not of the form NAME=value", place, i, process.env[i]);
    return {};
}

Result<void> check_rlimits(const Process& process, std::string_view place) {
    std::set<std::string_view> seen;
    for (std::size_t i = 0; i < process.rlimits.size(); ++i) {
        const auto& rlimit = process.rlimits[i];
        if (!contains(rlimit_types, rlimit.type))
            return fail("{}/rlimits/{}/type: unknown rlimit \"{}\"", place, i, rlimit.type);
        if (!seen.insert(rlimit.type).second)
            return fail("{}/rlimits/{}/type: {} is given twice", place, i, rlimit.type);
        if (rlimit.soft > rlimit.hard)
            return fail("{}/rlimits/{}: the soft limit {} is above the hard limit {}", place, i, rlimit.soft,
                        rlimit.hard);
    }
    return {};
}

Result<void> check_scheduling(const Process& process, std::string_view place) {
    if (process.scheduler && !contains(scheduler_policies, process.scheduler->policy))
        return fail("{}/scheduler/policy: unknown policy \"{}\"", place, process.scheduler->policy);
    if (process.scheduler && (process.scheduler->nice < -20 || process.scheduler->nice > 19))
        return fail("{}/scheduler/nice: {} is not from -20 to 19", place, process.scheduler->nice);
    if (process.io_priority && !contains(io_classes, process.io_priority->io_class))
        return fail("{}/ioPriority/class: unknown class \"{}\"", place, process.io_priority->io_class);
    if (process.io_priority && (process.io_priority->priority < 0 || process.io_priority->priority > 7))
        return fail("{}/ioPriority/priority: {} is not from 0 to 7", place, process.io_priority->priority);
    return {};
}

/// Empty: not given.
Result<void> check_affinity(const Process& process, std::string_view place) {
    const auto affinity = process.exec_cpu_affinity.value_or(ExecCpuAffinity{});
    for (const auto& list : {affinity.initial, affinity.final}) {
        const auto cpus = list.empty() ? Result<std::vector<unsigned>>() : parse_cpu_list(list);
        if (!cpus)
            return fail("{}/execCPUAffinity: {}", place, cpus.error().message);
    }
    return {};
}

// --- files ---

Result<void> check_root(const Spec& spec) {
    if (!spec.root)
        return fail("/root: is missing: a container needs a root file system");
    if (spec.root->path.empty())
        return fail("/root/path: must not be empty");
    return {};
}

bool overlap(std::uint32_t a, std::uint32_t a_size, std::uint32_t b, std::uint32_t b_size) {
    return a < std::uint64_t{b} + b_size && b < std::uint64_t{a} + a_size;
}

/// As user_namespaces(7) has them, "Defining user and group ID mappings".
Result<void> check_mappings(const std::vector<IdMapping>& mappings, std::string_view place) {
    constexpr std::size_t most = 340;
    constexpr std::uint64_t no_id = UINT32_MAX;
    if (mappings.size() > most)
        return fail("{}: {} mappings are more than the kernel takes ({})", place, mappings.size(), most);
    for (std::size_t i = 0; i < mappings.size(); ++i) {
        const auto& one = mappings[i];
        if (one.size == 0)
            return fail("{}/{}/size: must not be 0", place, i);
        if (std::uint64_t{one.container_id} + one.size > no_id ||
            std::uint64_t{one.host_id} + one.size > no_id)
            return fail("{}/{}: goes beyond the last id", place, i);
        for (std::size_t j = 0; j < i; ++j) {
            const auto& other = mappings[j];
            if (overlap(one.container_id, one.size, other.container_id, other.size) ||
                overlap(one.host_id, one.size, other.host_id, other.size))
                return fail("{}/{}: overlaps with mapping {}", place, i, j);
        }
    }
    return {};
}

Result<void> check_mount_ids(const Mount& mount, bool bind, const Linux& linux, const std::string& place) {
    const auto& options = mount.options;
    const bool option = std::find(options.begin(), options.end(), "idmap") != options.end() ||
                        std::find(options.begin(), options.end(), "ridmap") != options.end();
    if (mount.uid_mappings.empty() != mount.gid_mappings.empty())
        return fail("{}: uidMappings and gidMappings must be given together", place);
    if (!option && mount.uid_mappings.empty())
        return {};
    if (!bind)
        return fail("{}: only a bind mount can have its ids mapped", place);
    if (mount.uid_mappings.empty() && linux.uid_mappings.empty())
        return fail("{}: idmap needs uidMappings and gidMappings, of the mount or of a user namespace",
                    place);
    NACRE_TRY(check_mappings(mount.uid_mappings, place + "/uidMappings"));
    return check_mappings(mount.gid_mappings, place + "/gidMappings");
}

/// A relative destination is allowed: it is meant relative to "/" (config.md, "Mounts").
Result<void> check_mounts(const Spec& spec) {
    for (std::size_t i = 0; i < spec.mounts.size(); ++i) {
        const auto& mount = spec.mounts[i];
        const auto& options = mount.options;
        const bool bind = mount.type == "bind" ||
                          std::find(options.begin(), options.end(), "bind") != options.end() ||
                          std::find(options.begin(), options.end(), "rbind") != options.end();
        if (mount.destination.empty())
            return fail("/mounts/{}/destination: must not be empty", i);
        if (bind && mount.source.empty())
            return fail("/mounts/{}/source: is missing: a bind mount needs one", i);
        NACRE_TRY(check_mount_ids(mount, bind, spec.linux, fmt::format("/mounts/{}", i)));
    }
    return {};
}

// --- hooks ---

Result<void> check_hook_list(const std::vector<Hook>& hooks, std::string_view name) {
    for (std::size_t i = 0; i < hooks.size(); ++i) {
        if (!absolute(hooks[i].path))
            return fail("/hooks/{}/{}/path: \"{}\" must be an absolute path", name, i, hooks[i].path);
        if (hooks[i].timeout && *hooks[i].timeout <= 0)
            return fail("/hooks/{}/{}/timeout: must be greater than zero", name, i);
    }
    return {};
}

Result<void> check_hooks(const Hooks& hooks) {
    NACRE_TRY(check_hook_list(hooks.prestart, "prestart"));
    NACRE_TRY(check_hook_list(hooks.create_runtime, "createRuntime"));
    NACRE_TRY(check_hook_list(hooks.create_container, "createContainer"));
    NACRE_TRY(check_hook_list(hooks.start_container, "startContainer"));
    NACRE_TRY(check_hook_list(hooks.poststart, "poststart"));
    return check_hook_list(hooks.poststop, "poststop");
}

// --- linux ---

Result<void> check_namespaces(const Linux& linux) {
    std::set<NamespaceType> seen;
    for (std::size_t i = 0; i < linux.namespaces.size(); ++i) {
        const auto& ns = linux.namespaces[i];
        if (!seen.insert(ns.type).second)
            return fail("/linux/namespaces/{}: duplicated namespace \"{}\"", i, name_of(ns.type));
        if (!ns.path.empty() && !absolute(ns.path))
            return fail("/linux/namespaces/{}/path: \"{}\" must be an absolute path", i, ns.path);
    }
    return {};
}

Result<void> check_names(const Spec& spec) {
    const bool own_uts = spec.linux.find_namespace(NamespaceType::uts) != nullptr;
    if (!spec.hostname.empty() && !own_uts)
        return fail("/hostname: unable to set hostname without a private UTS namespace");
    if (!spec.domainname.empty() && !own_uts)
        return fail("/domainname: unable to set domainname without a private UTS namespace");
    return {};
}

Result<void> check_user_namespace(const Linux& linux) {
    const auto* user = linux.find_namespace(NamespaceType::user);
    const bool mapped = !linux.uid_mappings.empty() || !linux.gid_mappings.empty();
    if (user == nullptr && mapped)
        return fail("/linux: id mappings are given, but no user namespace");
    if (user != nullptr && user->path.empty() && (linux.uid_mappings.empty() || linux.gid_mappings.empty()))
        return fail("/linux: a new user namespace needs uidMappings and gidMappings");
    NACRE_TRY(check_mappings(linux.uid_mappings, "/linux/uidMappings"));
    return check_mappings(linux.gid_mappings, "/linux/gidMappings");
}

/// Masked and read-only paths are mounts: outside a mount namespace of its own they would hit the others.
Result<void> check_protected_paths(const Linux& linux) {
    const bool any = !linux.masked_paths.empty() || !linux.readonly_paths.empty();
    if (any && linux.find_namespace(NamespaceType::mount) == nullptr)
        return fail("/linux: maskedPaths and readonlyPaths need a private mount namespace");
    return {};
}

/// The namespace that a sysctl belongs to; none when it is global to the kernel.
std::optional<NamespaceType> namespace_of_sysctl(std::string name) {
    std::replace(name.begin(), name.end(), '/', '.');
    if (contains(ipc_sysctls, name) || name.starts_with("fs.mqueue."))
        return NamespaceType::ipc;
    if (name.starts_with("net."))
        return NamespaceType::network;
    if (name == "kernel.domainname")
        return NamespaceType::uts;
    return std::nullopt;
}

Result<void> check_sysctls(const Linux& linux) {
    for (const auto& [name, value] : linux.sysctl) {
        if (name == "kernel.hostname" || name == "kernel/hostname")
            return fail(
                "/linux/sysctl: sysctl \"{}\" is not allowed as it conflicts with the OCI \"hostname\" field",
                name);
        const auto type = namespace_of_sysctl(name);
        if (!type)
            return fail("/linux/sysctl: sysctl \"{}\" is not in a separate kernel namespace", name);
        if (linux.find_namespace(*type) == nullptr)
            return fail("/linux/sysctl: sysctl \"{}\" needs a private {} namespace", name, name_of(*type));
    }
    return {};
}

Result<void> check_time_offsets(const Linux& linux) {
    const auto* time = linux.find_namespace(NamespaceType::time);
    if (!linux.time_offsets.empty() && (time == nullptr || !time->path.empty()))
        return fail("/linux/timeOffsets: need a new time namespace");
    for (const auto& [clock, offset] : linux.time_offsets) {
        if (clock != "monotonic" && clock != "boottime")
            return fail("/linux/timeOffsets: unknown clock \"{}\"", clock);
        if (offset.nanosecs >= 1'000'000'000)
            return fail("/linux/timeOffsets/{}/nanosecs: must be less than 1000000000", clock);
    }
    return {};
}

Result<void> check_devices(const Linux& linux) {
    for (std::size_t i = 0; i < linux.devices.size(); ++i) {
        const auto& device = linux.devices[i];
        if (!absolute(device.path))
            return fail("/linux/devices/{}/path: \"{}\" must be an absolute path", i, device.path);
        if (device.type != 'p' && (device.major < 0 || device.minor < 0))
            return fail("/linux/devices/{}: device numbers must not be negative", i);
    }
    return {};
}

/// Only these two carry a number; with another the specification wants an error (config-linux.md, "Seccomp").
Result<void> check_errno(const std::string& action, const std::optional<std::uint32_t>& number,
                         std::string_view place) {
    if (!number)
        return {};
    if (action != "SCMP_ACT_ERRNO" && action != "SCMP_ACT_TRACE")
        return fail("{}: {} takes no number", place, action);
    constexpr std::uint32_t data_mask = 0xffff;  // SECCOMP_RET_DATA
    if (*number > data_mask)
        return fail("{}: {} is above {}", place, *number, data_mask);
    return {};
}

/// The listener is a process of the host; a system call's descriptors and memory are the guest's.
Result<void> check_no_listener(const std::string& action, std::string_view place) {
    if (action == "SCMP_ACT_NOTIFY")
        return fail("{}: SCMP_ACT_NOTIFY is not supported: a listener on the host cannot serve the guest",
                    place);
    return {};
}

Result<void> check_seccomp_rule(const SeccompRule& rule, std::size_t index) {
    if (rule.names.empty())
        return fail("/linux/seccomp/syscalls/{}/names: must not be empty", index);
    if (!contains(seccomp_actions, rule.action))
        return fail("/linux/seccomp/syscalls/{}/action: unknown action \"{}\"", index, rule.action);
    NACRE_TRY(check_no_listener(rule.action, fmt::format("/linux/seccomp/syscalls/{}/action", index)));
    NACRE_TRY(
        check_errno(rule.action, rule.errno_ret, fmt::format("/linux/seccomp/syscalls/{}/errnoRet", index)));
    for (std::size_t i = 0; i < rule.args.size(); ++i) {
        if (rule.args[i].index > 5)
            return fail("/linux/seccomp/syscalls/{}/args/{}/index: a system call has arguments 0 to 5", index,
                        i);
        if (!contains(seccomp_operators, rule.args[i].op))
            return fail("/linux/seccomp/syscalls/{}/args/{}/op: unknown operator \"{}\"", index, i,
                        rule.args[i].op);
    }
    return {};
}

Result<void> check_seccomp(const Seccomp& seccomp) {
    if (!contains(seccomp_actions, seccomp.default_action))
        return fail("/linux/seccomp/defaultAction: unknown action \"{}\"", seccomp.default_action);
    NACRE_TRY(check_no_listener(seccomp.default_action, "/linux/seccomp/defaultAction"));
    NACRE_TRY(
        check_errno(seccomp.default_action, seccomp.default_errno_ret, "/linux/seccomp/defaultErrnoRet"));
    if (!seccomp.listener_path.empty() || !seccomp.listener_metadata.empty())
        return fail("/linux/seccomp/listenerPath: a listener on the host cannot serve the guest");
    const auto flags = seccomp.flags.value_or(std::vector<std::string>());
    for (std::size_t i = 0; i < flags.size(); ++i)
        if (!contains(seccomp_flags, flags[i]))
            return fail("/linux/seccomp/flags/{}: flag \"{}\" is not supported", i, flags[i]);
    for (std::size_t i = 0; i < seccomp.architectures.size(); ++i)
        if (!seccomp.architectures[i].starts_with("SCMP_ARCH_"))
            return fail("/linux/seccomp/architectures/{}: unknown architecture \"{}\"", i,
                        seccomp.architectures[i]);
    for (std::size_t i = 0; i < seccomp.syscalls.size(); ++i)
        NACRE_TRY(check_seccomp_rule(seccomp.syscalls[i], i));
    return {};
}

Result<void> check_personality(const Personality& personality) {
    if (personality.domain != "LINUX" && personality.domain != "LINUX32")
        return fail("/linux/personality/domain: unknown domain \"{}\"", personality.domain);
    if (!personality.flags.empty())
        return fail("/linux/personality/flags: no flags are defined");
    return {};
}

/// As the kernel has it (dev_valid_name()).
bool is_interface_name(std::string_view name) {
    constexpr std::size_t most = 15;
    return !name.empty() && name.size() <= most && name != "." && name != ".." &&
           name.find_first_of("/: \t\n\v\f\r") == std::string_view::npos;
}

Result<void> check_net_devices(const Linux& linux) {
    for (const auto& [name, device] : linux.net_devices) {
        if (!is_interface_name(name))
            return fail("/linux/netDevices: invalid network device name \"{}\"", name);
        if (!device.name.empty() && !is_interface_name(device.name))
            return fail("/linux/netDevices/{}/name: invalid network device name \"{}\"", name, device.name);
    }
    if (!linux.net_devices.empty() && linux.find_namespace(NamespaceType::network) == nullptr)
        return fail("/linux/netDevices: unable to move network devices without a private NET namespace");
    return {};
}

Result<void> check_unsupported(const Linux& linux) {
    if (linux.intel_rdt)
        return fail("/linux/intelRdt: Intel RDT is not supported: the guest cannot see the host's caches");
    if (linux.memory_policy)
        return fail("/linux/memoryPolicy: is not supported: the guest has one memory node");
    return {};
}

Result<void> check_linux(const Linux& linux) {
    NACRE_TRY(check_namespaces(linux));
    NACRE_TRY(check_user_namespace(linux));
    NACRE_TRY(check_protected_paths(linux));
    NACRE_TRY(check_sysctls(linux));
    NACRE_TRY(check_time_offsets(linux));
    NACRE_TRY(check_devices(linux));
    NACRE_TRY(check_net_devices(linux));
    NACRE_TRY(check_unsupported(linux));
    if (!linux.rootfs_propagation.empty() && !contains(propagations, linux.rootfs_propagation))
        return fail("/linux/rootfsPropagation: unknown propagation \"{}\"", linux.rootfs_propagation);
    if (linux.seccomp)
        NACRE_TRY(check_seccomp(*linux.seccomp));
    if (linux.personality)
        NACRE_TRY(check_personality(*linux.personality));
    if (linux.resources)
        NACRE_TRY(validate(*linux.resources, "/linux/resources"));
    return {};
}

/// Programs and parameters from a configuration would let it choose what runs on the host.
Result<void> check_vm(const Vm& vm) {
    if (vm.hypervisor)
        return fail("/vm/hypervisor: is not supported: nacre runs its own VMM");
    if (vm.kernel)
        return fail("/vm/kernel: is not supported: nacre boots its own kernel");
    if (vm.image)
        return fail("/vm/image: is not supported: the root file system is /root/path");
    return {};
}

// --- resources ---

Result<void> check_device_rules(const Resources& resources, std::string_view place) {
    for (std::size_t i = 0; i < resources.devices.size(); ++i) {
        const auto& rule = resources.devices[i];
        if (rule.type.size() > 1 || (rule.type.size() == 1 && rule.type.find_first_of("abc") != 0))
            return fail("{}/devices/{}/type: \"{}\" is not a, b or c", place, i, rule.type);
        // "a" is not in the specification and selects nothing; runc takes it, and so some configurations have
        // it.
        if (rule.access.find_first_not_of("rwma") != std::string::npos)
            return fail("{}/devices/{}/access: \"{}\" is not made of r, w and m", place, i, rule.access);
    }
    return {};
}

/// Limits that cgroup v2, which the guest has, does not know. 0 and -1 are "not given": callers send them so.
Result<void> check_v2_limits(const Resources& resources, std::string_view place) {
    if (resources.cpu &&
        (resources.cpu->realtime_runtime.value_or(0) > 0 || resources.cpu->realtime_period.value_or(0) > 0))
        return fail("{}/cpu/realtimeRuntime: realtime limits do not exist in the guest's cgroup v2", place);
    const auto memory = resources.memory.value_or(MemoryResources{});
    if (memory.kernel.value_or(0) > 0 || memory.kernel_tcp.value_or(0) > 0)
        return fail("{}/memory/kernel: kernel memory has no limit of its own in the guest's cgroup v2",
                    place);
    if (memory.swappiness)
        return fail("{}/memory/swappiness: does not exist in the guest's cgroup v2", place);
    if (memory.disable_oom_killer.value_or(false))
        return fail("{}/memory/disableOOMKiller: the OOM killer cannot be disabled in the guest's cgroup v2",
                    place);
    if (!memory.use_hierarchy.value_or(true))
        return fail("{}/memory/useHierarchy: the guest's cgroup v2 is always hierarchical", place);
    return {};
}

/// What concerns hardware that no guest has.
Result<void> check_host_hardware(const Resources& resources, std::string_view place) {
    const auto network = resources.network.value_or(NetworkResources{});
    if (network.class_id.value_or(0) != 0 || !network.priorities.empty())
        return fail("{}/network: classes and priorities of packets do not exist in the guest's cgroup v2",
                    place);
    if (!resources.rdma.empty())
        return fail("{}/rdma: the guest has no RDMA devices", place);
    const auto block_io = resources.block_io.value_or(BlockIoResources{});
    bool leaf_weight = block_io.leaf_weight.value_or(0) != 0;
    for (const auto& device : block_io.weight_device)
        leaf_weight = leaf_weight || device.leaf_weight.value_or(0) != 0;
    if (leaf_weight)
        return fail("{}/blockIO/leafWeight: no kernel has leaf weights any more", place);
    return {};
}

/// Keys become file names in the cgroup's directory.
Result<void> check_unified(const Resources& resources, std::string_view place) {
    for (const auto& [key, value] : resources.unified)
        if (key.find('/') != std::string::npos || key.find('.') == std::string::npos || key.starts_with('.'))
            return fail("{}/unified: \"{}\" is not the name of a cgroup file", place, key);
    return {};
}

/// "2MB", "1GB", "64KB" (config-linux.md, "Huge page limits").
bool is_page_size(std::string_view size) {
    const auto digits = size.find_first_not_of("0123456789");
    if (digits == 0 || digits == std::string_view::npos || size.front() == '0')
        return false;
    const auto unit = size.substr(digits);
    return unit == "KB" || unit == "MB" || unit == "GB";
}

Result<void> check_hugepages(const Resources& resources, std::string_view place) {
    for (std::size_t i = 0; i < resources.hugepage_limits.size(); ++i)
        if (!is_page_size(resources.hugepage_limits[i].page_size))
            return fail("{}/hugepageLimits/{}/pageSize: \"{}\" is not a size such as 2MB", place, i,
                        resources.hugepage_limits[i].page_size);
    return {};
}

}  // namespace

Result<void> validate(const Process& process, std::string_view place) {
    if (process.args.empty())
        return fail("{}/args: must not be empty", place);
    if (!absolute(process.cwd))
        return fail("{}/cwd: \"{}\" must be an absolute path", place, process.cwd);
    if (process.oom_score_adj && (*process.oom_score_adj < -1000 || *process.oom_score_adj > 1000))
        return fail("{}/oomScoreAdj: {} is not from -1000 to 1000", place, *process.oom_score_adj);
    NACRE_TRY(check_environment(process, place));
    NACRE_TRY(check_rlimits(process, place));
    NACRE_TRY(check_affinity(process, place));
    return check_scheduling(process, place);
}

Result<void> validate(const Resources& resources, std::string_view place) {
    NACRE_TRY(check_device_rules(resources, place));
    NACRE_TRY(check_v2_limits(resources, place));
    NACRE_TRY(check_host_hardware(resources, place));
    NACRE_TRY(check_unified(resources, place));
    return check_hugepages(resources, place);
}

Result<void> validate(const Spec& spec) {
    NACRE_TRY(check_version(spec.version));
    if (!spec.process)
        return fail("/process: is missing: the container has nothing to run");
    NACRE_TRY(validate(*spec.process, "/process"));
    NACRE_TRY(check_root(spec));
    NACRE_TRY(check_mounts(spec));
    NACRE_TRY(check_hooks(spec.hooks));
    NACRE_TRY(check_linux(spec.linux));
    NACRE_TRY(check_names(spec));
    if (spec.vm)
        NACRE_TRY(check_vm(*spec.vm));
    return {};
}

}  // namespace nacre::oci
