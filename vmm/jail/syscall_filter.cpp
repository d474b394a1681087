#include "vmm/jail/syscall_filter.h"

#include <linux/audit.h>
#include <linux/seccomp.h>
#include <sys/prctl.h>

#include <algorithm>
#include <cerrno>
#include <cstddef>

#include "vmm/jail/syscall_rules.h"

namespace nacre::jail {

namespace {

using Program = std::vector<sock_filter>;

constexpr std::uint16_t kLoad = BPF_LD | BPF_W | BPF_ABS;
constexpr std::uint16_t kJumpIfEqual = BPF_JMP | BPF_JEQ | BPF_K;
constexpr std::uint16_t kAnd = BPF_ALU | BPF_AND | BPF_K;

sock_filter load(std::size_t offset) {
    return {kLoad, 0, 0, static_cast<std::uint32_t>(offset)};
}

sock_filter verdict(std::uint32_t action) {
    return {BPF_RET | BPF_K, 0, 0, action};
}

/// The kernel looks at no more than the lower half of those arguments that there are conditions on.
std::size_t lower_half_of(unsigned argument) {
    return offsetof(seccomp_data, args) + argument * sizeof(std::uint64_t);
}

void add_condition(Program& program, const ArgumentCondition& condition) {
    program.push_back(load(lower_half_of(condition.argument)));
    program.push_back({kAnd, 0, 0, condition.mask});
    program.push_back({kJumpIfEqual, 0, 1, condition.value});
    program.push_back(verdict(SECCOMP_RET_ALLOW));
}

Program verdict_on(std::vector<const SyscallRule*>::const_iterator first,
                   std::vector<const SyscallRule*>::const_iterator last) {
    Program program;
    for (auto rule = first; rule != last; ++rule) {
        const auto& entry = **rule;
        if (!entry.condition)
            return {verdict(entry.absent ? SECCOMP_RET_ERRNO | ENOSYS : SECCOMP_RET_ALLOW)};
        add_condition(program, *entry.condition);
    }
    program.push_back(verdict(SECCOMP_RET_KILL_PROCESS));
    return program;
}

std::vector<const SyscallRule*> rules_of(ThreadKind kind) {
    std::vector<const SyscallRule*> rules;
    for (const auto& rule : syscall_rules())
        if (rule.holds_for(kind))
            rules.push_back(&rule);
    std::ranges::stable_sort(rules, {}, &SyscallRule::number);
    return rules;
}

}  // namespace

Program syscall_filter(ThreadKind kind) {
    Program program{
        load(offsetof(seccomp_data, arch)),
        {kJumpIfEqual, 1, 0, AUDIT_ARCH_X86_64},
        verdict(SECCOMP_RET_KILL_PROCESS),
        load(offsetof(seccomp_data, nr)),
    };
    const auto rules = rules_of(kind);
    for (auto first = rules.cbegin(); first != rules.cend();) {
        const auto number = (*first)->number;
        const auto last =
            std::find_if(first, rules.cend(), [number](const auto* rule) { return rule->number != number; });
        const auto body = verdict_on(first, last);
        program.push_back({kJumpIfEqual, 0, static_cast<std::uint8_t>(body.size()), number});
        program.insert(program.end(), body.begin(), body.end());
        first = last;
    }
    program.push_back(verdict(SECCOMP_RET_KILL_PROCESS));
    return program;
}

Result<void> install_syscall_filter(ThreadKind kind) {
    auto program = syscall_filter(kind);
    const sock_fprog filter{static_cast<unsigned short>(program.size()), program.data()};
    if (::prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &filter, 0, 0) != 0)
        return fail_errno("installing the seccomp filter of {} threads", thread_kind_name(kind));
    return {};
}

}  // namespace nacre::jail
