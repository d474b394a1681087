#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "vmm/jail/thread_kind.h"

namespace nacre::jail {

/// Argument number `argument`, counted from 0, has `value` in the bits of `mask` of its lower half.
struct ArgumentCondition {
    unsigned argument;
    std::uint32_t mask;
    std::uint32_t value;
};

/// One system call that threads of some kinds may make, and why. Of several rules for one number, one that
/// holds is enough.
struct SyscallRule {
    std::string_view name;  // as in syscalls(2)
    std::uint32_t number;
    std::uint32_t kinds;  // a bit for each ThreadKind
    std::string_view reason;
    std::optional<ArgumentCondition> condition{};
    bool absent = false;  // not allowed: fails with ENOSYS, so that libc uses another one
    bool rare = false;    // a record of a VM at work need not show it: failures, other hosts, the end

    bool holds_for(ThreadKind kind) const { return (kinds >> static_cast<unsigned>(kind) & 1U) != 0; }
};

/// All rules. The event loop starts the threads of vCPUs, disks and network interfaces that come later, and a
/// thread is under its starter's filter too: the event loop may do all that they may. None may open a file
/// but the file server, and none at all make a socket, start a program or map executable memory. (A ring of
/// io_uring is not under these rules; see README.md.)
std::span<const SyscallRule> syscall_rules();

/// For people and for tests, a line each: name, condition ("1=0xae80" for an argument's value, "2!0x4" for
/// bits that are not set, else "-"), kinds of threads, "rare", "absent" or "-", and the reason, with tabs
/// between them.
std::string syscall_rules_text();

}  // namespace nacre::jail
