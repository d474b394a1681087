#include "guest-agent/container/seccomp.h"

#include <linux/seccomp.h>
#include <seccomp.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <memory>
#include <string_view>

#include "vmm/base/file.h"

namespace nacre::agent {

namespace {

struct ReleaseContext {
    void operator()(void* context) const { seccomp_release(context); }
};
using Context = std::unique_ptr<void, ReleaseContext>;

constexpr std::size_t max_program_bytes = BPF_MAXINSNS * sizeof(sock_filter);

Result<std::uint32_t> action_of(const std::string& name, std::optional<std::uint32_t> errno_ret) {
    const auto data = static_cast<std::uint16_t>(errno_ret.value_or(EPERM));
    if (name == "SCMP_ACT_KILL" || name == "SCMP_ACT_KILL_THREAD")
        return SCMP_ACT_KILL_THREAD;
    if (name == "SCMP_ACT_KILL_PROCESS")
        return SCMP_ACT_KILL_PROCESS;
    if (name == "SCMP_ACT_TRAP")
        return SCMP_ACT_TRAP;
    if (name == "SCMP_ACT_ERRNO")
        return SCMP_ACT_ERRNO(data);
    if (name == "SCMP_ACT_TRACE")
        return SCMP_ACT_TRACE(data);
    if (name == "SCMP_ACT_ALLOW")
        return SCMP_ACT_ALLOW;
    if (name == "SCMP_ACT_LOG")
        return SCMP_ACT_LOG;
    return fail_with(EINVAL, "seccomp action {}", name);
}

Result<scmp_compare> operator_of(const std::string& name) {
    constexpr std::array<std::pair<std::string_view, scmp_compare>, 7> operators{{
        {"SCMP_CMP_NE", SCMP_CMP_NE},
        {"SCMP_CMP_LT", SCMP_CMP_LT},
        {"SCMP_CMP_LE", SCMP_CMP_LE},
        {"SCMP_CMP_EQ", SCMP_CMP_EQ},
        {"SCMP_CMP_GE", SCMP_CMP_GE},
        {"SCMP_CMP_GT", SCMP_CMP_GT},
        {"SCMP_CMP_MASKED_EQ", SCMP_CMP_MASKED_EQ},
    }};
    for (const auto& [text, value] : operators) {
        if (text == name)
            return value;
    }
    return fail_with(EINVAL, "seccomp operator {}", name);
}

Result<unsigned> flags_of(const std::optional<std::vector<std::string>>& names) {
    // As runc: where the configuration has no flags, not even an empty list, speculative store bypass stays
    // allowed.
    if (!names)
        return SECCOMP_FILTER_FLAG_SPEC_ALLOW;
    unsigned flags = 0;
    for (const auto& name : *names) {
        if (name == "SECCOMP_FILTER_FLAG_TSYNC")
            continue;  // the process that loads the filter has one thread
        if (name == "SECCOMP_FILTER_FLAG_LOG")
            flags |= SECCOMP_FILTER_FLAG_LOG;
        else if (name == "SECCOMP_FILTER_FLAG_SPEC_ALLOW")
            flags |= SECCOMP_FILTER_FLAG_SPEC_ALLOW;
        else
            return fail_with(EINVAL, "seccomp flag {}", name);
    }
    return flags;
}

Result<void> add_architectures(void* context, const std::vector<std::string>& names) {
    constexpr std::string_view prefix = "SCMP_ARCH_";
    for (const auto& name : names) {
        std::string short_name = name.starts_with(prefix) ? name.substr(prefix.size()) : name;
        std::ranges::transform(short_name, short_name.begin(),
                               [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
        const auto architecture = seccomp_arch_resolve_name(short_name.c_str());
        if (architecture == 0)
            return fail_with(EINVAL, "seccomp architecture {}", name);
        const int result = seccomp_arch_add(context, architecture);
        if (result < 0 && result != -EEXIST)
            return fail_with(-result, "add seccomp architecture {}", name);
    }
    return {};
}

Result<std::vector<scmp_arg_cmp>> comparisons_of(const oci::SeccompRule& rule) {
    std::vector<scmp_arg_cmp> comparisons;
    for (const auto& argument : rule.args) {
        NACRE_ASSIGN(const auto compare, operator_of(argument.op));
        comparisons.push_back({argument.index, compare, argument.value, argument.value_two});
    }
    return comparisons;
}

bool compares_an_argument_twice(const std::vector<scmp_arg_cmp>& comparisons) {
    std::array<int, 6> uses{};
    return std::ranges::any_of(comparisons, [&](const scmp_arg_cmp& comparison) {
        return comparison.arg < uses.size() && ++uses[comparison.arg] > 1;
    });
}

Result<void> add_rule(void* context, std::uint32_t action, const std::string& name,
                      std::span<const scmp_arg_cmp> comparisons) {
    const int number = seccomp_syscall_resolve_name(name.c_str());
    if (number == __NR_SCMP_ERROR)
        return {};
    const int result = seccomp_rule_add_array(context, action, number,
                                              static_cast<unsigned>(comparisons.size()), comparisons.data());
    if (result < 0)
        return fail_with(-result, "add seccomp rule for {}", name);
    return {};
}

Result<void> add_rules(void* context, const oci::SeccompRule& rule, std::uint32_t default_action) {
    NACRE_ASSIGN(const auto action, action_of(rule.action, rule.errno_ret));
    if (action == default_action)
        return {};
    NACRE_ASSIGN(const auto comparisons, comparisons_of(rule));
    // libseccomp takes one comparison an argument; several are alternatives then, as runc reads them.
    const bool alternatives = compares_an_argument_twice(comparisons);
    for (const auto& name : rule.names) {
        if (!alternatives) {
            NACRE_TRY(add_rule(context, action, name, comparisons));
            continue;
        }
        for (const auto& comparison : comparisons)
            NACRE_TRY(add_rule(context, action, name, std::span(&comparison, 1)));
    }
    return {};
}

Result<std::vector<sock_filter>> export_program(void* context) {
    const FileDescriptor file(::memfd_create("seccomp", MFD_CLOEXEC));
    if (!file)
        return fail_errno("make memory file");
    const int result = seccomp_export_bpf(context, file.get());
    if (result < 0)
        return fail_with(-result, "compile seccomp filter");
    if (::lseek(file.get(), 0, SEEK_SET) < 0)
        return fail_errno("seek in memory file");
    NACRE_ASSIGN(const auto bytes, read_to_end(file.get(), max_program_bytes));
    std::vector<sock_filter> program(bytes.size() / sizeof(sock_filter));
    std::copy_n(bytes.data(), program.size() * sizeof(sock_filter), reinterpret_cast<char*>(program.data()));
    return program;
}

}  // namespace

Result<SeccompFilter> compile_seccomp(const oci::Seccomp& seccomp) {
    NACRE_ASSIGN(const auto flags, flags_of(seccomp.flags));
    NACRE_ASSIGN(const auto default_action, action_of(seccomp.default_action, seccomp.default_errno_ret));
    const Context context(seccomp_init(default_action));
    if (!context)
        return fail("make seccomp filter");
    NACRE_TRY(add_architectures(context.get(), seccomp.architectures));
    // A binary tree of syscall numbers instead of a list: what every later syscall costs.
    (void)seccomp_attr_set(context.get(), SCMP_FLTATR_CTL_OPTIMIZE, 2);
    for (const auto& rule : seccomp.syscalls)
        NACRE_TRY(add_rules(context.get(), rule, default_action));
    NACRE_ASSIGN(auto program, export_program(context.get()));
    return SeccompFilter{std::move(program), flags};
}

Result<void> load_seccomp(const SeccompFilter& filter) {
    sock_fprog program{static_cast<unsigned short>(filter.program.size()),
                       const_cast<sock_filter*>(filter.program.data())};
    if (::syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, filter.flags, &program) < 0)
        return fail_errno("load seccomp filter of {} instructions", filter.program.size());
    return {};
}

}  // namespace nacre::agent
