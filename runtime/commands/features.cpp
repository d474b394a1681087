#include <rapidjson/prettywriter.h>
#include <rapidjson/stringbuffer.h>
#include <unistd.h>

#include <array>
#include <span>

#include "runtime/cli/version.h"
#include "runtime/commands/commands.h"
#include "vmm/base/file.h"

namespace nacre::commands {

namespace {

using Writer = rapidjson::PrettyWriter<rapidjson::StringBuffer>;
using Names = std::span<const std::string_view>;

// What the guest agent and its kernel do, not what the host could: features.md of runtime-spec 1.2.

constexpr auto hooks =
    std::to_array<std::string_view>({"prestart", "createRuntime", "poststart", "poststop"});

constexpr auto mount_options =
    std::to_array<std::string_view>({"acl",          "async",       "atime",          "bind",
                                     "defaults",     "dev",         "diratime",       "dirsync",
                                     "exec",         "iversion",    "lazytime",       "loud",
                                     "mand",         "noacl",       "noatime",        "nodev",
                                     "nodiratime",   "noexec",      "noiversion",     "nolazytime",
                                     "nomand",       "norelatime",  "nostrictatime",  "nosuid",
                                     "nosymfollow",  "private",     "ratime",         "rbind",
                                     "rdev",         "rdiratime",   "relatime",       "remount",
                                     "rexec",        "rnoatime",    "rnodev",         "rnodiratime",
                                     "rnoexec",      "rnorelatime", "rnostrictatime", "rnosuid",
                                     "rnosymfollow", "ro",          "rprivate",       "rrelatime",
                                     "rro",          "rrw",         "rshared",        "rslave",
                                     "rstrictatime", "rsuid",       "rsymfollow",     "runbindable",
                                     "rw",           "shared",      "silent",         "slave",
                                     "strictatime",  "suid",        "symfollow",      "sync",
                                     "tmpcopyup",    "unbindable"});

constexpr auto namespaces =
    std::to_array<std::string_view>({"cgroup", "ipc", "mount", "network", "pid", "time", "uts"});

constexpr auto capabilities = std::to_array<std::string_view>({"CAP_CHOWN",
                                                               "CAP_DAC_OVERRIDE",
                                                               "CAP_DAC_READ_SEARCH",
                                                               "CAP_FOWNER",
                                                               "CAP_FSETID",
                                                               "CAP_KILL",
                                                               "CAP_SETGID",
                                                               "CAP_SETUID",
                                                               "CAP_SETPCAP",
                                                               "CAP_LINUX_IMMUTABLE",
                                                               "CAP_NET_BIND_SERVICE",
                                                               "CAP_NET_BROADCAST",
                                                               "CAP_NET_ADMIN",
                                                               "CAP_NET_RAW",
                                                               "CAP_IPC_LOCK",
                                                               "CAP_IPC_OWNER",
                                                               "CAP_SYS_MODULE",
                                                               "CAP_SYS_RAWIO",
                                                               "CAP_SYS_CHROOT",
                                                               "CAP_SYS_PTRACE",
                                                               "CAP_SYS_PACCT",
                                                               "CAP_SYS_ADMIN",
                                                               "CAP_SYS_BOOT",
                                                               "CAP_SYS_NICE",
                                                               "CAP_SYS_RESOURCE",
                                                               "CAP_SYS_TIME",
                                                               "CAP_SYS_TTY_CONFIG",
                                                               "CAP_MKNOD",
                                                               "CAP_LEASE",
                                                               "CAP_AUDIT_WRITE",
                                                               "CAP_AUDIT_CONTROL",
                                                               "CAP_SETFCAP",
                                                               "CAP_MAC_OVERRIDE",
                                                               "CAP_MAC_ADMIN",
                                                               "CAP_SYSLOG",
                                                               "CAP_WAKE_ALARM",
                                                               "CAP_BLOCK_SUSPEND",
                                                               "CAP_AUDIT_READ",
                                                               "CAP_PERFMON",
                                                               "CAP_BPF",
                                                               "CAP_CHECKPOINT_RESTORE"});

constexpr auto seccomp_actions = std::to_array<std::string_view>(
    {"SCMP_ACT_ALLOW", "SCMP_ACT_ERRNO", "SCMP_ACT_KILL", "SCMP_ACT_KILL_PROCESS", "SCMP_ACT_KILL_THREAD",
     "SCMP_ACT_LOG", "SCMP_ACT_TRACE", "SCMP_ACT_TRAP"});

constexpr auto seccomp_operators =
    std::to_array<std::string_view>({"SCMP_CMP_EQ", "SCMP_CMP_GE", "SCMP_CMP_GT", "SCMP_CMP_LE",
                                     "SCMP_CMP_LT", "SCMP_CMP_MASKED_EQ", "SCMP_CMP_NE"});

constexpr auto seccomp_architectures =
    std::to_array<std::string_view>({"SCMP_ARCH_X32", "SCMP_ARCH_X86", "SCMP_ARCH_X86_64"});

void put(Writer& writer, const char* name, std::string_view value) {
    writer.Key(name);
    writer.String(value.data(), static_cast<rapidjson::SizeType>(value.size()));
}

// Not put(): a string literal would rather become a bool than a string_view.
void put_flag(Writer& writer, const char* name, bool value) {
    writer.Key(name);
    writer.Bool(value);
}

void put(Writer& writer, const char* name, Names list) {
    writer.Key(name);
    writer.StartArray();
    for (const auto& item : list)
        writer.String(item.data(), static_cast<rapidjson::SizeType>(item.size()));
    writer.EndArray();
}

template <class Content>
void put_object(Writer& writer, const char* name, Content content) {
    writer.Key(name);
    writer.StartObject();
    content();
    writer.EndObject();
}

void put_linux(Writer& writer) {
    put(writer, "namespaces", namespaces);
    put(writer, "capabilities", capabilities);
    put_object(writer, "cgroup", [&] {
        put_flag(writer, "v1", true);
        put_flag(writer, "v2", true);
        put_flag(writer, "systemd", false);
        put_flag(writer, "systemdUser", false);
        put_flag(writer, "rdma", false);
    });
    put_object(writer, "seccomp", [&] {
        put_flag(writer, "enabled", true);
        put(writer, "actions", seccomp_actions);
        put(writer, "operators", seccomp_operators);
        put(writer, "archs", seccomp_architectures);
    });
    for (const auto* absent : {"apparmor", "selinux", "intelRdt", "netDevices"})
        put_object(writer, absent, [&] { put_flag(writer, "enabled", false); });
    put_object(writer, "mountExtensions",
               [&] { put_object(writer, "idmap", [&] { put_flag(writer, "enabled", false); }); });
}

cli::CommandResult run_features(const cli::Invocation&) {
    rapidjson::StringBuffer buffer;
    Writer writer(buffer);
    writer.StartObject();
    put(writer, "ociVersionMin", "1.0.0");
    put(writer, "ociVersionMax", cli::spec_version);
    put(writer, "hooks", hooks);
    put(writer, "mountOptions", mount_options);
    put_object(writer, "linux", [&] { put_linux(writer); });
    put_object(writer, "annotations", [&] {
        put(writer, "org.nacre.version", NACRE_VERSION);
        put(writer, "org.nacre.commit", cli::commit);
    });
    put(writer, "potentiallyUnsafeConfigAnnotations", Names{});
    writer.EndObject();
    NACRE_TRY(write_all(STDOUT_FILENO, std::string(buffer.GetString(), buffer.GetSize()) + "\n"));
    return 0;
}

}  // namespace

const cli::Command features_command{"features",  "show what this runtime supports, as JSON", "", {}, 0, 0,
                                    run_features};

}  // namespace nacre::commands
