#include "guest-agent/container/device_filter.h"

#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cstddef>
#include <string>

namespace nacre::agent {

namespace {

constexpr std::int64_t any = -1;

// Registers: what the kernel asks about, taken apart once.
constexpr std::uint8_t result = BPF_REG_0;
constexpr std::uint8_t context = BPF_REG_1;
constexpr std::uint8_t type = BPF_REG_2;
constexpr std::uint8_t access = BPF_REG_3;
constexpr std::uint8_t major_number = BPF_REG_4;
constexpr std::uint8_t minor_number = BPF_REG_5;

constexpr std::int32_t every_access = BPF_DEVCG_ACC_MKNOD | BPF_DEVCG_ACC_READ | BPF_DEVCG_ACC_WRITE;

bpf_insn instruction(int code, std::uint8_t destination, std::uint8_t source, int offset,
                     std::int32_t value) {
    bpf_insn made{};
    made.code = static_cast<std::uint8_t>(code);
    made.dst_reg = destination & 0xfU;
    made.src_reg = source & 0xfU;
    made.off = static_cast<std::int16_t>(offset);
    made.imm = value;
    return made;
}

bpf_insn load_word(std::uint8_t destination, std::size_t offset) {
    return instruction(BPF_LDX | BPF_MEM | BPF_W, destination, context, static_cast<int>(offset), 0);
}

bpf_insn with_value(int operation, std::uint8_t destination, std::int32_t value) {
    return instruction(BPF_ALU | operation | BPF_K, destination, 0, 0, value);
}

/// To be aimed at the next rule when that rule's length is known.
bpf_insn leave_rule_unless(int comparison, std::uint8_t destination, std::int32_t value) {
    return instruction(BPF_JMP32 | comparison | BPF_K, destination, 0, 0, value);
}

oci::DeviceRule allow(const char* kind, std::int64_t major, std::int64_t minor, const char* access_letters) {
    return {true, kind, major, minor, access_letters};
}

std::vector<oci::DeviceRule> with_default_rules(std::vector<oci::DeviceRule> rules) {
    const std::array defaults{allow("c", any, any, "m"),   allow("b", any, any, "m"), allow("c", 1, 3, "rwm"),
                              allow("c", 1, 8, "rwm"),     allow("c", 1, 7, "rwm"),   allow("c", 5, 0, "rwm"),
                              allow("c", 1, 5, "rwm"),     allow("c", 1, 9, "rwm"),   allow("c", 5, 1, "rwm"),
                              allow("c", 136, any, "rwm"), allow("c", 5, 2, "rwm")};
    rules.insert(rules.end(), defaults.begin(), defaults.end());
    return rules;
}

std::int32_t access_bits(const std::string& letters) {
    std::int32_t bits = 0;
    for (const char letter : letters) {
        if (letter == 'r')
            bits |= BPF_DEVCG_ACC_READ;
        if (letter == 'w')
            bits |= BPF_DEVCG_ACC_WRITE;
        if (letter == 'm')
            bits |= BPF_DEVCG_ACC_MKNOD;
    }
    return letters.empty() ? every_access : bits;
}

void match_access(std::vector<bpf_insn>& code, const oci::DeviceRule& rule) {
    const auto bits = access_bits(rule.access);
    if (bits == every_access)
        return;
    code.push_back(instruction(BPF_ALU | BPF_MOV | BPF_X, result, access, 0, 0));
    // Allowed is what asks for nothing but the rule's accesses, denied what asks for any of them.
    code.push_back(with_value(BPF_AND, result, rule.allow ? every_access & ~bits : bits));
    code.push_back(leave_rule_unless(rule.allow ? BPF_JNE : BPF_JEQ, result, 0));
}

void match_number(std::vector<bpf_insn>& code, std::uint8_t number,
                  const std::optional<std::int64_t>& wanted) {
    if (wanted.value_or(any) >= 0)
        code.push_back(leave_rule_unless(BPF_JNE, number, static_cast<std::int32_t>(*wanted)));
}

std::vector<bpf_insn> rule_code(const oci::DeviceRule& rule) {
    std::vector<bpf_insn> code;
    if (rule.type == "c" || rule.type == "b") {
        const auto kind = rule.type == "c" ? BPF_DEVCG_DEV_CHAR : BPF_DEVCG_DEV_BLOCK;
        code.push_back(leave_rule_unless(BPF_JNE, type, kind));
    }
    match_access(code, rule);
    match_number(code, major_number, rule.major);
    match_number(code, minor_number, rule.minor);
    code.push_back(with_value(BPF_MOV, result, rule.allow ? 1 : 0));
    code.push_back(instruction(BPF_JMP | BPF_EXIT, 0, 0, 0, 0));
    for (std::size_t i = 0; i < code.size(); ++i) {
        if (BPF_CLASS(code[i].code) == BPF_JMP32)
            code[i].off = static_cast<std::int16_t>(code.size() - i - 1);
    }
    return code;
}

bool is_unconditional(const std::vector<bpf_insn>& code) {
    return std::ranges::none_of(code, [](const bpf_insn& step) { return BPF_CLASS(step.code) == BPF_JMP32; });
}

Result<int> call_bpf(int command, bpf_attr& attributes, const char* what) {
    const auto value = ::syscall(SYS_bpf, command, &attributes, sizeof attributes);
    if (value < 0)
        return fail_errno("{}", what);
    return static_cast<int>(value);
}

}  // namespace

std::vector<bpf_insn> device_program(const std::vector<oci::DeviceRule>& rules) {
    std::vector<bpf_insn> program{
        load_word(type, offsetof(bpf_cgroup_dev_ctx, access_type)),
        instruction(BPF_ALU | BPF_MOV | BPF_X, access, type, 0, 0),
        with_value(BPF_AND, type, 0xffff),
        with_value(BPF_RSH, access, 16),
        load_word(major_number, offsetof(bpf_cgroup_dev_ctx, major)),
        load_word(minor_number, offsetof(bpf_cgroup_dev_ctx, minor)),
    };
    const auto all = with_default_rules(rules);
    for (auto rule = all.rbegin(); rule != all.rend(); ++rule) {
        const auto code = rule_code(*rule);
        program.insert(program.end(), code.begin(), code.end());
        // The kernel refuses a program with instructions that are never reached.
        if (is_unconditional(code))
            return program;
    }
    program.push_back(with_value(BPF_MOV, result, 0));
    program.push_back(instruction(BPF_JMP | BPF_EXIT, 0, 0, 0, 0));
    return program;
}

Result<FileDescriptor> attach_device_filter(int cgroup, const std::vector<oci::DeviceRule>& rules) {
    const auto program = device_program(rules);
    static constexpr char license[] = "";
    bpf_attr load{};
    load.prog_type = BPF_PROG_TYPE_CGROUP_DEVICE;
    load.insns = reinterpret_cast<std::uintptr_t>(program.data());  // the kernel takes pointers as numbers
    load.insn_cnt = static_cast<std::uint32_t>(program.size());
    load.license = reinterpret_cast<std::uintptr_t>(license);
    NACRE_ASSIGN(const auto number, call_bpf(BPF_PROG_LOAD, load, "load the device rules"));
    FileDescriptor loaded(number);
    bpf_attr attach{};
    attach.target_fd = static_cast<std::uint32_t>(cgroup);
    attach.attach_bpf_fd = static_cast<std::uint32_t>(loaded.get());
    attach.attach_type = BPF_CGROUP_DEVICE;
    attach.attach_flags = BPF_F_ALLOW_MULTI;
    NACRE_TRY(call_bpf(BPF_PROG_ATTACH, attach, "attach the device rules"));
    return loaded;
}

Result<void> detach_device_filter(int cgroup, int program) {
    bpf_attr detach{};
    detach.target_fd = static_cast<std::uint32_t>(cgroup);
    detach.attach_bpf_fd = static_cast<std::uint32_t>(program);
    detach.attach_type = BPF_CGROUP_DEVICE;
    NACRE_TRY(call_bpf(BPF_PROG_DETACH, detach, "detach the device rules"));
    return {};
}

}  // namespace nacre::agent
