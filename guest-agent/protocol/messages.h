#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "guest-agent/protocol/network.h"
#include "vmm/base/result.h"

/// The contract between host and guest agent: which messages exist and what they mean. Used by both sides;
/// the JSON form of each is in messages.cpp. README.md in this folder shows who sends what when.
namespace nacre::protocol {

/// Raised with every incompatible change; both sides refuse another number.
constexpr std::uint32_t version = 1;

/// Guest vsock ports that the agent listens on, and the host port that it connects to once it listens.
constexpr std::uint32_t control_port = 1024;
constexpr std::uint32_t stream_port = 1025;
constexpr std::uint32_t host_channel_port = 1024;

/// The virtio-fs tag of the share, and where the agent mounts it.
constexpr std::string_view share_tag = "nacre";
constexpr std::string_view share_mount_point = "/run/nacre/share";

/// A process that the agent runs: a container's init (`exec` empty) or one that was exec'd into it.
struct ProcessName {
    std::string container;
    std::string exec;
    bool operator==(const ProcessName&) const = default;
};

/// One direction of a descriptor of a process: what it reads from there (`input`), or what it writes. A
/// descriptor that it does both with has two streams.
struct Stream {
    std::uint32_t descriptor = 1;
    bool input = false;
    bool operator==(const Stream&) const = default;
    auto operator<=>(const Stream&) const = default;
};
constexpr Stream standard_input{0, true};
constexpr Stream standard_output{1, false};
constexpr Stream standard_error{2, false};

/// A descriptor, beside the standard three, that a process has from its beginning: a pipe, or a socket if it
/// can read and write. The first one is its descriptor 3.
struct PassedDescriptor {
    bool readable = false;
    bool writable = false;
};

/// How many a process may have: each costs both sides threads and buffers.
constexpr std::uint32_t max_passed_descriptors = 128;

// --- The VM channel: agent → host, once, as its first connection
// -------------------------------------------------------

/// "I listen." Everything that a booted VM has to be told comes afterwards.
struct Hello {
    std::uint32_t version = protocol::version;
};

/// Host → agent: power the VM off, whatever runs in it. No reply: the VM ends.
struct Shutdown {};

// --- Control connections: host → agent, answered in order, by Done or Created or Failed
// ---------------------------------

/// Where the agent finds the source of one bind mount of the container's configuration.
struct MountSource {
    std::uint32_t index = 0;  // into the configuration's `mounts`
    std::string path;         // below the share, e.g. "<id>/mounts/3"; no "..", not absolute
    std::vector<std::string>
        below;  // mount points below it that have attributes of their own, outer before inner
};

/// What a disk of the VM stands for in the container's configuration.
enum class DiskRole { root, mount, device };

/// A disk (virtio-blk) that was attached for a container.
struct Disk {
    DiskRole role = DiskRole::root;
    std::uint32_t index = 0;  // into the configuration's `mounts`, resp. linux.devices
    std::string name;         // the guest kernel's, e.g. "vda" (DeviceFound)
};

/// A namespace that a container shares with another one of its VM.
struct SharedNamespace {
    std::string type;       // as the configuration calls it: "ipc"
    std::string container;  // whose first process is in it
};

/// Makes a container up to the state "created" (answer: Created). The connection then owns the container's
/// init: Exited comes on it, and if it closes before that, the agent kills every process of the container.
struct CreateContainer {
    std::string id;
    std::string config;               // config.json as text, already validated by the runtime
    std::string rootfs;               // below the share; empty: a disk
    std::string host_rootfs;          // its path on the host, which paths of the configuration may begin with
    std::vector<MountSource> mounts;  // one for each bind mount whose source is not in the rootfs
    std::vector<Disk> disks;
    bool member = false;            // of a pod: the VM, with its network, was there before
    bool keep_vm = false;           // the VM stays when the last of its containers has ended: a sandbox's
    bool callers_terminal = false;  // its terminal writes to the caller's, which adds carriage returns itself
    std::vector<SharedNamespace> namespaces;  // those that the configuration joins by a path, where it is
                                              // that of another container
    std::vector<PassedDescriptor> descriptors;
    std::string notify_socket;  // where in the container its processes find the socket of sd_notify(3), as
                                // NOTIFY_SOCKET tells its first; empty: none
};

/// Runs hooks of a created container inside it (answer: Done when all have succeeded).
struct RunHooks {
    std::string id;
    std::string stage;  // "createContainer" or "startContainer"
    std::string state;  // the OCI state as JSON, for their standard input
};

/// Runs the user's program in a created container (answer: Done).
struct StartContainer {
    std::string id;
};

/// Starts a process in a running container (answer: Created); the connection owns it as CreateContainer's
/// does.
struct ExecProcess {
    ProcessName name;
    std::string process;  // process.json as text
    std::string cgroup;   // below the container's; empty: the container's
    std::vector<PassedDescriptor> descriptors;
    bool callers_terminal = false;  // as CreateContainer's
};

/// Sends a signal to a process, or to every process of its container (answer: Done).
struct SignalProcess {
    ProcessName name;
    std::uint32_t signal = 0;
    bool all = false;
};

/// Sets the window size of a process's terminal (answer: Done).
struct ResizeTerminal {
    ProcessName name;
    std::uint16_t rows = 0;
    std::uint16_t columns = 0;
};

/// Forgets a stopped container: its mounts and cgroup go (answer: Done).
struct DeleteContainer {
    std::string id;
};

/// Stops every process of a container from running, or lets them go on (answer: Done, once they have
/// stopped). If the connection closes before the answer, the wait ends, not the freezing.
struct FreezeContainer {
    std::string id;
    bool frozen = true;
};

/// Changes a container's limits (answer: Done).
struct UpdateContainer {
    std::string id;
    std::string resources;  // linux.resources as text; what is absent stays as it is
};

/// Asks for the processes of a container (answer: Processes).
struct ListProcesses {
    std::string id;
};

/// Asks for what /proc says of the processes in a container's pid namespace (answer: ProcFiles), in the order
/// of their pids, those after `after`.
struct ReadProcFiles {
    std::string id;
    std::uint32_t after = 0;
};

/// Asks for the figures of a container's cgroup (answer: CgroupFiles).
struct ReadCgroup {
    std::string id;
};

/// Asks to be told of what happens in a container (answer: Done): OutOfMemory follows each time that a
/// process is killed for want of memory. The agent closes the connection when the container has ended.
struct WatchContainer {
    std::string id;
};

/// Asks to be told what a container's processes send with sd_notify(3) (answer: Done): a Notification for
/// each message. A host that does not take them loses them. The agent closes the connection when the
/// container has ended.
struct WatchNotifications {
    std::string id;
};

/// A device was put into a slot of the VM: find it (answer: DeviceFound).
struct ProbeDevice {
    std::uint32_t slot = 0;
};

/// Let go of the device in a slot, which is about to be taken out (answer: Done).
struct ReleaseDevice {
    std::uint32_t slot = 0;
};

/// Brings CPUs of the VM online or offline until there are `at_least` and no more than `at_most`, those of
/// the highest numbers offline (answer: OnlineCpus). The first one is always online.
struct SetOnlineCpus {
    std::uint32_t at_least = 1;
    std::uint32_t at_most = 1;
};

// --- Stream connections: host → agent, one a stream; Done, then raw bytes until either side closes
// ------------------------

/// Ties this connection to a stream of a created process. Half-close is end of file, in both directions. For
/// an input the Done comes only when the process has been started, so that a caller's input is not
/// consumed for one that never runs.
struct AttachStream {
    ProcessName name;
    Stream stream;
};

/// Makes this connection one to a TCP port of a container's loopback addresses, IPv4 before IPv6 (answer:
/// Done, then its bytes, or Failed). Half-close is end of file, in both directions.
struct ConnectPort {
    std::string id;
    std::uint16_t port = 0;
};

// --- Answers and events: agent → host
// -------------------------------------------------------------------------------------

struct Done {};

/// A process as the guest's kernel sees it: pids of the guest's root pid namespace.
struct GuestProcess {
    std::uint32_t pid = 0;
    std::uint32_t parent = 0;
    std::uint32_t uid = 0;
    std::uint32_t cpu_seconds = 0;
    std::uint32_t age_seconds = 0;
    std::string state;     // one letter of proc(5): "S"
    std::string terminal;  // "pts/0"; "?" for one that has none
    std::string name;
    std::string command;  // with its arguments; "[name]" for one that has none
};

/// A container's processes.
struct Processes {
    std::vector<GuestProcess> processes;  // at most 4096
    std::uint32_t left_out = 0;           // how many more there are
};

/// A process's files in the /proc of its container (proc(5)): the kernel's text, its pids the container's.
struct ProcessFiles {
    std::uint32_t pid = 0;
    std::string stat;
    std::string status;
    std::string cmdline;  // NUL after each argument; at most 4096 bytes
    std::string label;    // attr/current; empty where no security module has one
};

/// As many of the processes as fit into a frame.
struct ProcFiles {
    std::uint32_t boot_time = 0;      // btime of /proc/stat: seconds since the epoch
    std::uint32_t pid_namespace = 0;  // inode number of ns/pid
    std::vector<ProcessFiles> processes;
    bool more = false;  // there are others after the last one
};

/// One file of a cgroup v2 directory, as the kernel wrote it.
struct CgroupFile {
    std::string name;
    std::string content;
};

struct CgroupFiles {
    std::vector<CgroupFile> files;
};

/// The guest's kernel has made this of a device.
struct DeviceFound {
    std::string kind;  // "net", "block"; empty: neither
    std::string name;  // "eth0", "vda"
};

/// CPUs that are online: fewer or more than asked for where the kernel could not bring one online or offline.
struct OnlineCpus {
    std::uint32_t count = 0;
};

/// The process exists; `pid` is its pid in the guest's root pid namespace.
struct Created {
    std::uint32_t pid = 0;
};

/// The request failed; nothing of it was done. The message is for the user (runc's words where callers look
/// for them).
struct Failed {
    std::uint32_t code = 0;  // errno, 0 when there is none
    std::string message;
};

/// The process that this connection owns is gone. By then all that it wrote has been given to its streams.
struct Exited {
    std::uint32_t status = 0;  // 0–255 as it exited, 128 + n when signal n killed it
    bool out_of_memory = false;
    bool vm_stays = false;  // there are other containers in the VM, or it waits for some
};

/// A process of the container that this connection owns was killed for want of memory.
struct OutOfMemory {};

/// The container that this connection owns waits for ServeNames: ConfigureNetwork said that there is a name
/// server.
struct NamesWanted {};

/// A process of the container that this connection watches sent this with sd_notify(3): what a service
/// manager takes for assignments, one a line. Any bytes, at most 4096.
struct Notification {
    std::string text;
};

using Message =
    std::variant<Hello, Shutdown, CreateContainer, RunHooks, StartContainer, ExecProcess, SignalProcess,
                 ResizeTerminal, DeleteContainer, FreezeContainer, UpdateContainer, ListProcesses,
                 ReadProcFiles, ReadCgroup, WatchContainer, WatchNotifications, ProbeDevice, ReleaseDevice,
                 SetOnlineCpus, OnlineCpus, ConfigureNetwork, Processes, ProcFiles, CgroupFiles, DeviceFound,
                 AttachStream, ConnectPort, ServeNames, NameQuestion, NameAnswer, NamesWanted, Done, Created,
                 Failed, Exited, OutOfMemory, Notification>;

/// The message as JSON text: {"type": "<name>", …}.
std::string encode(const Message& message);

/// The message in `text`, with every member checked: unknown type, missing or mistyped member, number out of
/// range are errors; unknown members are ignored. `text` comes from the other side and is not trusted.
Result<Message> decode(std::string_view text);

}  // namespace nacre::protocol
