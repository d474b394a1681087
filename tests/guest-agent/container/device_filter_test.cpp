#include "guest-agent/container/device_filter.h"

#include <doctest/doctest.h>

#include <array>

using namespace nacre;
using namespace nacre::agent;

namespace {

constexpr std::uint32_t character = BPF_DEVCG_DEV_CHAR;
constexpr std::uint32_t block = BPF_DEVCG_DEV_BLOCK;
constexpr std::uint32_t reading = BPF_DEVCG_ACC_READ;
constexpr std::uint32_t writing = BPF_DEVCG_ACC_WRITE;
constexpr std::uint32_t making = BPF_DEVCG_ACC_MKNOD;

std::uint32_t operand_of(const bpf_insn& step, const std::array<std::uint32_t, 10>& registers) {
    return BPF_SRC(step.code) == BPF_X ? registers.at(step.src_reg) : static_cast<std::uint32_t>(step.imm);
}

/// Runs the few kinds of instruction that the programs are made of.
bool allowed(const std::vector<oci::DeviceRule>& rules, std::uint32_t kind, std::uint32_t major,
             std::uint32_t minor, std::uint32_t access) {
    const auto program = device_program(rules);
    const std::array<std::uint32_t, 3> question{access << 16 | kind, major, minor};
    std::array<std::uint32_t, 10> registers{};
    for (std::size_t at = 0; at < program.size(); ++at) {
        const auto& step = program[at];
        auto& target = registers.at(step.dst_reg);
        const auto operand = operand_of(step, registers);
        const auto operation = BPF_OP(step.code);
        if (BPF_CLASS(step.code) == BPF_LDX)
            target = question.at(static_cast<std::size_t>(step.off) / 4);
        else if (BPF_CLASS(step.code) == BPF_ALU && operation == BPF_MOV)
            target = operand;
        else if (BPF_CLASS(step.code) == BPF_ALU && operation == BPF_AND)
            target &= operand;
        else if (BPF_CLASS(step.code) == BPF_ALU && operation == BPF_RSH)
            target >>= operand;
        else if (BPF_CLASS(step.code) == BPF_JMP32 && (operation == BPF_JNE) == (target != operand))
            at += static_cast<std::size_t>(step.off);
        else if (BPF_CLASS(step.code) == BPF_JMP)
            return registers[0] != 0;
    }
    FAIL("the program has no end");
    return false;
}

}  // namespace

TEST_CASE("no rule: only what every container has, and making of nodes") {
    CHECK(allowed({}, character, 1, 3, reading | writing));
    CHECK(allowed({}, character, 136, 7, reading | writing));
    CHECK(allowed({}, block, 8, 0, making));
    CHECK_FALSE(allowed({}, block, 8, 0, reading));
    CHECK_FALSE(allowed({}, block, 8, 0, reading | making));
    CHECK_FALSE(allowed({}, character, 10, 229, reading));
    CHECK_FALSE(allowed({}, block, 1, 3, reading));
}

TEST_CASE("the last rule that matches decides") {
    const oci::DeviceRule deny_all{false, "a", {}, {}, "rwm"};
    const oci::DeviceRule fuse{true, "c", 10, 229, "rw"};
    CHECK(allowed({deny_all, fuse}, character, 10, 229, reading | writing));
    CHECK_FALSE(allowed({fuse, deny_all}, character, 10, 229, reading));
    CHECK_FALSE(allowed({deny_all, fuse}, character, 10, 228, reading));
    CHECK_FALSE(allowed({deny_all, fuse}, block, 10, 229, reading));
    CHECK(allowed({{true, "a", {}, {}, ""}}, block, 254, 0, reading | writing));
}

TEST_CASE("absent and negative numbers match every number, and no letters every access") {
    CHECK(allowed({{true, "b", 8, {}, ""}}, block, 8, 17, reading | writing));
    CHECK(allowed({{true, "b", -1, -1, "r"}}, block, 9, 1, reading));
    CHECK_FALSE(allowed({{true, "b", -1, -1, "r"}}, block, 9, 1, reading | writing));
}

TEST_CASE("nothing stands behind a rule that matches everything") {
    const std::vector<oci::DeviceRule> rules{{true, "c", 10, 229, "rw"}, {false, "a", {}, {}, "rwm"}};
    CHECK(device_program(rules).size() == device_program({rules[1]}).size());
}

TEST_CASE("a denial of one access denies all that ask for it") {
    const std::vector<oci::DeviceRule> rules{{true, "b", 8, 0, "rw"}, {false, "b", 8, 0, "w"}};
    CHECK(allowed(rules, block, 8, 0, reading));
    CHECK_FALSE(allowed(rules, block, 8, 0, writing));
    CHECK_FALSE(allowed(rules, block, 8, 0, reading | writing));
}
