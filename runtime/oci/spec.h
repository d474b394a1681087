#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

/// The OCI runtime configuration for Linux (runtime-spec 1.2, config.md, config-linux.md, config-vm.md, and
/// the fields of 1.3 that callers send already) as plain values. Names follow the specification's, in this
/// project's spelling. An absent string is empty, an absent list is empty; where "absent" and "zero" differ,
/// the member is an optional. Units are the specification's (bytes, microseconds) unless said otherwise.
namespace nacre::oci {

using StringMap = std::map<std::string, std::string>;

/// A range of ids: `container_id`… inside the user namespace are `host_id`… outside.
struct IdMapping {
    std::uint32_t container_id = 0;
    std::uint32_t host_id = 0;
    std::uint32_t size = 0;
};

// --- process ---

struct ConsoleSize {
    std::uint64_t height = 0;  // rows
    std::uint64_t width = 0;   // columns
};

struct User {
    std::uint32_t uid = 0;
    std::uint32_t gid = 0;
    std::optional<std::uint32_t> umask;
    std::vector<std::uint32_t> additional_gids;
};

/// The five capability sets, as names ("CAP_CHOWN").
struct Capabilities {
    std::vector<std::string> bounding;
    std::vector<std::string> effective;
    std::vector<std::string> inheritable;
    std::vector<std::string> permitted;
    std::vector<std::string> ambient;
};

struct Rlimit {
    std::string type;  // "RLIMIT_NOFILE"
    std::uint64_t hard = 0;
    std::uint64_t soft = 0;
};

struct Scheduler {
    std::string policy;  // "SCHED_OTHER"
    std::int32_t nice = 0;
    std::int32_t priority = 0;
    std::vector<std::string> flags;  // "SCHED_FLAG_RESET_ON_FORK"
    std::uint64_t runtime = 0;       // nanoseconds, as deadline and period
    std::uint64_t deadline = 0;
    std::uint64_t period = 0;
};

struct IoPriority {
    std::string io_class;  // "IOPRIO_CLASS_BE"
    std::int32_t priority = 0;
};

struct ExecCpuAffinity {
    std::string initial;  // a CPU list: "0-3,7"
    std::string final;
};

struct Process {
    bool terminal = false;
    std::optional<ConsoleSize> console_size;
    User user;
    std::vector<std::string> args;
    std::vector<std::string> env;
    std::string cwd;
    std::optional<Capabilities> capabilities;
    std::vector<Rlimit> rlimits;
    bool no_new_privileges = false;
    std::string apparmor_profile;
    std::optional<std::int32_t> oom_score_adj;
    std::optional<Scheduler> scheduler;
    std::string selinux_label;
    std::optional<IoPriority> io_priority;
    std::optional<ExecCpuAffinity> exec_cpu_affinity;
};

// --- files ---

struct Root {
    std::string path;  // absolute, or relative to the bundle
    bool readonly = false;
};

struct Mount {
    std::string destination;
    std::string type;
    std::string source;
    std::vector<std::string> options;
    std::vector<IdMapping> uid_mappings;
    std::vector<IdMapping> gid_mappings;
};

// --- hooks ---

struct Hook {
    std::string path;
    std::vector<std::string> args;  // args[0] included
    std::vector<std::string> env;
    std::optional<std::int32_t> timeout;  // seconds
};

struct Hooks {
    std::vector<Hook> prestart;
    std::vector<Hook> create_runtime;
    std::vector<Hook> create_container;
    std::vector<Hook> start_container;
    std::vector<Hook> poststart;
    std::vector<Hook> poststop;
};

// --- linux ---

enum class NamespaceType { pid, network, mount, ipc, uts, user, cgroup, time };

struct Namespace {
    NamespaceType type = NamespaceType::pid;
    std::string path;  // empty: a new one
};

struct Device {
    std::string path;
    char type = 'c';  // 'c', 'u' (as 'c'), 'b' or 'p'
    std::int64_t major = 0;
    std::int64_t minor = 0;
    std::optional<std::uint32_t> file_mode;
    std::optional<std::uint32_t> uid;
    std::optional<std::uint32_t> gid;
};

/// A rule of the device cgroup.
struct DeviceRule {
    bool allow = false;
    std::string type;  // "a", "c", "b"; empty: "a"
    std::optional<std::int64_t> major;
    std::optional<std::int64_t> minor;
    std::string access;  // of "rwm"; empty: all
};

struct MemoryResources {
    std::optional<std::int64_t> limit;  // bytes; -1: none
    std::optional<std::int64_t> reservation;
    std::optional<std::int64_t> swap;  // memory + swap, as cgroup v1 counts
    std::optional<std::int64_t> kernel;
    std::optional<std::int64_t> kernel_tcp;
    std::optional<std::uint64_t> swappiness;
    std::optional<bool> disable_oom_killer;
    std::optional<bool> use_hierarchy;
    std::optional<bool> check_before_update;
};

struct CpuResources {
    std::optional<std::uint64_t> shares;
    std::optional<std::int64_t> quota;  // microseconds a period; -1: none
    std::optional<std::uint64_t> burst;
    std::optional<std::uint64_t> period;
    std::optional<std::int64_t> realtime_runtime;
    std::optional<std::uint64_t> realtime_period;
    std::string cpus;
    std::string mems;
    std::optional<std::int64_t> idle;
};

struct BlockWeight {
    std::int64_t major = 0;
    std::int64_t minor = 0;
    std::optional<std::uint16_t> weight;
    std::optional<std::uint16_t> leaf_weight;
};

struct BlockThrottle {
    std::int64_t major = 0;
    std::int64_t minor = 0;
    std::uint64_t rate = 0;  // bytes or operations a second
};

struct BlockIoResources {
    std::optional<std::uint16_t> weight;
    std::optional<std::uint16_t> leaf_weight;
    std::vector<BlockWeight> weight_device;
    std::vector<BlockThrottle> throttle_read_bps_device;
    std::vector<BlockThrottle> throttle_write_bps_device;
    std::vector<BlockThrottle> throttle_read_iops_device;
    std::vector<BlockThrottle> throttle_write_iops_device;
};

struct HugepageLimit {
    std::string page_size;    // "2MB"
    std::uint64_t limit = 0;  // bytes
};

struct InterfacePriority {
    std::string name;
    std::uint32_t priority = 0;
};

struct NetworkResources {
    std::optional<std::uint32_t> class_id;
    std::vector<InterfacePriority> priorities;
};

struct RdmaResources {
    std::optional<std::uint32_t> hca_handles;
    std::optional<std::uint32_t> hca_objects;
};

/// linux.resources; also what `update --resources` takes.
struct Resources {
    std::vector<DeviceRule> devices;
    std::optional<MemoryResources> memory;
    std::optional<CpuResources> cpu;
    std::optional<std::int64_t> pids_limit;  // pids.limit; -1 (and 0, as runc reads it): none
    std::optional<BlockIoResources> block_io;
    std::vector<HugepageLimit> hugepage_limits;
    std::optional<NetworkResources> network;
    std::map<std::string, RdmaResources> rdma;  // by device name
    StringMap unified;                          // cgroup v2 file → content
};

struct SeccompArgument {
    std::uint32_t index = 0;
    std::uint64_t value = 0;
    std::uint64_t value_two = 0;
    std::string op;  // "SCMP_CMP_EQ"
};

struct SeccompRule {
    std::vector<std::string> names;
    std::string action;  // "SCMP_ACT_ERRNO"
    std::optional<std::uint32_t> errno_ret;
    std::vector<SeccompArgument> args;
};

struct Seccomp {
    std::string default_action;
    std::optional<std::uint32_t> default_errno_ret;
    std::vector<std::string> architectures;  // "SCMP_ARCH_X86_64"
    /// "SECCOMP_FILTER_FLAG_LOG"; none at all is not the same as not given.
    std::optional<std::vector<std::string>> flags;
    std::string listener_path;
    std::string listener_metadata;
    std::vector<SeccompRule> syscalls;
};

struct IntelRdt {
    std::string clos_id;
    std::vector<std::string> schemata;
    std::string l3_cache_schema;
    std::string mem_bw_schema;
    bool enable_cmt = false;
    bool enable_mbm = false;
    bool enable_monitoring = false;
};

struct Personality {
    std::string domain;  // "LINUX" or "LINUX32"
    std::vector<std::string> flags;
};

/// An offset of a clock in a time namespace.
struct TimeOffset {
    std::int64_t secs = 0;
    std::uint32_t nanosecs = 0;
};

struct NetDevice {
    std::string name;  // in the container; empty: as on the host
};

struct MemoryPolicy {
    std::string mode;  // "MPOL_BIND"
    std::string nodes;
    std::vector<std::string> flags;
};

struct Linux {
    std::vector<IdMapping> uid_mappings;
    std::vector<IdMapping> gid_mappings;
    StringMap sysctl;
    std::optional<Resources> resources;
    std::string cgroups_path;
    std::vector<Namespace> namespaces;
    std::vector<Device> devices;
    std::map<std::string, NetDevice> net_devices;  // by host name
    std::optional<Seccomp> seccomp;
    std::string rootfs_propagation;
    std::vector<std::string> masked_paths;
    std::vector<std::string> readonly_paths;
    std::string mount_label;
    std::optional<IntelRdt> intel_rdt;
    std::optional<MemoryPolicy> memory_policy;
    std::optional<Personality> personality;
    std::map<std::string, TimeOffset> time_offsets;  // "monotonic", "boottime"

    /// The first namespace of that type, or null.
    const Namespace* find_namespace(NamespaceType type) const;
};

// --- vm (config-vm.md) ---

struct VmProgram {
    std::string path;
    std::vector<std::string> parameters;
};

struct VmKernel {
    std::string path;
    std::vector<std::string> parameters;
    std::string initrd;
};

struct VmImage {
    std::string path;
    std::string format;
};

struct VmHardware {
    std::optional<std::uint32_t> vcpus;
    std::optional<std::uint64_t> memory;  // bytes
};

struct Vm {
    std::optional<VmProgram> hypervisor;
    std::optional<VmKernel> kernel;
    std::optional<VmImage> image;
    std::optional<VmHardware> hw_config;
};

// --- the whole ---

struct Spec {
    std::string version;  // ociVersion
    std::optional<Process> process;
    std::optional<Root> root;
    std::string hostname;
    std::string domainname;
    std::vector<Mount> mounts;
    Hooks hooks;
    StringMap annotations;
    Linux linux;
    std::optional<Vm> vm;
};

}  // namespace nacre::oci
