#pragma once

#include <array>
#include <string_view>

#include "runtime/oci/capability_names.h"

/// What `nacre features` tells: what the guest agent and its kernel do, not what the host could (features.md
/// of runtime-spec 1.2). A test holds each list against the code that does it.
namespace nacre::commands::supported {

inline constexpr auto hooks = std::to_array<std::string_view>(
    {"prestart", "createRuntime", "createContainer", "startContainer", "poststart", "poststop"});

inline constexpr auto mount_options = std::to_array<std::string_view>({"acl",
                                                                       "async",
                                                                       "atime",
                                                                       "bind",
                                                                       "defaults",
                                                                       "dev",
                                                                       "diratime",
                                                                       "dirsync",
                                                                       "exec",
                                                                       "idmap",
                                                                       "iversion",
                                                                       "lazytime",
                                                                       "loud",
                                                                       "mand",
                                                                       "noacl",
                                                                       "noatime",
                                                                       "nodev",
                                                                       "nodiratime",
                                                                       "noexec",
                                                                       "noiversion",
                                                                       "nolazytime",
                                                                       "nomand",
                                                                       "norelatime",
                                                                       "nostrictatime",
                                                                       "nosuid",
                                                                       "nosymfollow",
                                                                       "private",
                                                                       "ratime",
                                                                       "rbind",
                                                                       "rdev",
                                                                       "rdiratime",
                                                                       "relatime",
                                                                       "remount",
                                                                       "rexec",
                                                                       "ridmap",
                                                                       "rnoatime",
                                                                       "rnodev",
                                                                       "rnodiratime",
                                                                       "rnoexec",
                                                                       "rnorelatime",
                                                                       "rnostrictatime",
                                                                       "rnosuid",
                                                                       "rnosymfollow",
                                                                       "ro",
                                                                       "rprivate",
                                                                       "rrelatime",
                                                                       "rro",
                                                                       "rrw",
                                                                       "rshared",
                                                                       "rslave",
                                                                       "rstrictatime",
                                                                       "rsuid",
                                                                       "rsymfollow",
                                                                       "runbindable",
                                                                       "rw",
                                                                       "shared",
                                                                       "silent",
                                                                       "slave",
                                                                       "strictatime",
                                                                       "suid",
                                                                       "symfollow",
                                                                       "sync",
                                                                       "tmpcopyup",
                                                                       "unbindable"});

inline constexpr auto namespaces =
    std::to_array<std::string_view>({"cgroup", "ipc", "mount", "network", "pid", "time", "user", "uts"});

inline constexpr auto capabilities = oci::capability_names;

inline constexpr auto seccomp_actions = std::to_array<std::string_view>(
    {"SCMP_ACT_ALLOW", "SCMP_ACT_ERRNO", "SCMP_ACT_KILL", "SCMP_ACT_KILL_PROCESS", "SCMP_ACT_KILL_THREAD",
     "SCMP_ACT_LOG", "SCMP_ACT_TRACE", "SCMP_ACT_TRAP"});

inline constexpr auto seccomp_operators =
    std::to_array<std::string_view>({"SCMP_CMP_EQ", "SCMP_CMP_GE", "SCMP_CMP_GT", "SCMP_CMP_LE",
                                     "SCMP_CMP_LT", "SCMP_CMP_MASKED_EQ", "SCMP_CMP_NE"});

inline constexpr auto seccomp_architectures =
    std::to_array<std::string_view>({"SCMP_ARCH_X32", "SCMP_ARCH_X86", "SCMP_ARCH_X86_64"});

inline constexpr auto seccomp_flags = std::to_array<std::string_view>(
    {"SECCOMP_FILTER_FLAG_LOG", "SECCOMP_FILTER_FLAG_SPEC_ALLOW", "SECCOMP_FILTER_FLAG_TSYNC"});

}  // namespace nacre::commands::supported
